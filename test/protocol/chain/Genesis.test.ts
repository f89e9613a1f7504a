import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Block from "../../../src/protocol/chain/Block.ts"
import * as BlockHeader from "../../../src/protocol/chain/BlockHeader.ts"
import {
  type ChainSettings,
  consensus,
  genesisOf,
  ChainSettings as Settings
} from "../../../src/protocol/chain/Genesis.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { vectors } from "../../support/ChainVectors.ts"

const keys = [1, 2, 3].map((seed) => NodeSecret.fromSeed(new Uint8Array(32).fill(seed)).key)
const base: ChainSettings = { id: "one", time: 1_000, producers: keys.slice(0, 2) }
const idOf = (change: Partial<ChainSettings>): string => genesisOf({ ...base, ...change }).id
const isRefused = (settings: unknown): boolean => Result.isFailure(Schema.decodeUnknownResult(Settings)(settings))

describe("the first header of a native chain", () => {
  for (const { consensus: text, hex, id, settings } of vectors.genesis) {
    it(`has the bytes and the id that it always had: ${settings.id}`, () => {
      const genesis = genesisOf(settings)
      assert.strictEqual(consensus(settings), text)
      assert.strictEqual(Buffer.from(BlockHeader.encode(genesis)).toString("hex"), Buffer.from(hex).toString("hex"))
      assert.strictEqual(genesis.id, id)
    })
  }

  it("is another one for whatever nodes of the chain must agree on", () => {
    const changes: ReadonlyArray<Partial<ChainSettings>> = [
      {},
      { id: "two" },
      { time: 1_001 },
      { producers: keys },
      { producers: [keys[1]!, keys[0]!] },
      { maxBlockBytes: Block.defaultBytes - 1 }
    ]
    const { producers: _, ...open } = base
    const ids = [...changes.map(idOf), genesisOf(open).id]
    assert.strictEqual(new Set(ids).size, ids.length)
  })

  it("is the same whatever each node decides for itself, and for what is said as for what holds unsaid", () => {
    assert.strictEqual(idOf({ intervalMillis: 5, reorganisationLimit: 9 }), idOf({}))
    assert.strictEqual(idOf({ maxBlockBytes: Block.defaultBytes }), idOf({}))
  })
})

describe("the configuration of a native chain", () => {
  const wrong: ReadonlyArray<readonly [string, Record<string, unknown>]> = [
    ["no id", { id: "" }],
    ["a space in the id", { id: "a b" }],
    ["an id of 65 characters", { id: "x".repeat(65) }],
    ["an id that is not ASCII", { id: "é" }],
    ["a time before 1970", { time: -1 }],
    ["a time that no header can say", { time: 2 ** 53 }],
    ["no producer among them", { producers: [] }],
    ["a producer twice", { producers: [keys[0], keys[0]] }],
    ["a producer that is no key", { producers: ["abc"] }],
    ["blocks that do not fit a frame", { maxBlockBytes: Block.mostBytes + 1 }],
    ["blocks of nothing", { maxBlockBytes: 0 }],
    ["no interval", { intervalMillis: 0 }],
    ["a limit above what is kept", { reorganisationLimit: 10_001 }]
  ]
  for (const [name, change] of wrong) {
    it(`is refused with ${name}`, () => assert.isTrue(isRefused({ ...base, ...change })))
  }

  it("is taken at its limits", () => {
    assert.isFalse(isRefused(base))
    assert.isFalse(isRefused({ id: "x".repeat(64), time: 0 }))
    assert.isFalse(
      isRefused({ ...base, maxBlockBytes: Block.mostBytes, reorganisationLimit: 10_000, intervalMillis: 1 })
    )
  })
})
