import { assert, describe, it } from "@effect/vitest"
import * as BlockHeader from "../../../src/protocol/chain/BlockHeader.ts"
import type { ChainSettings } from "../../../src/protocol/chain/Genesis.ts"
import { HeaderTree } from "../../../src/protocol/chain/HeaderTree.ts"
import * as NativeRules from "../../../src/protocol/chain/NativeRules.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"

const secrets = [1, 2, 3].map((seed) => NodeSecret.fromSeed(new Uint8Array(32).fill(seed)))
const [one, two, three] = secrets
const open: ChainSettings = { id: "open", time: 1_000 }
const permissioned: ChainSettings = { id: "permissioned", time: 1_000, producers: [one!.key, two!.key] }
const now = 1_000_000

const start = (settings: ChainSettings) => {
  const rules = NativeRules.rulesOf(settings)
  const tree = new HeaderTree({ header: rules.genesis, height: 0, weight: rules.weight(rules.genesis) }, rules)
  const objection = (header: BlockHeader.BlockHeader) => rules.objection(tree, tree.best, header, now)
  const add = (header: BlockHeader.BlockHeader) => {
    assert.isUndefined(objection(header)?.detail)
    return tree.add(header, rules.weight(header))
  }
  return { rules, tree, objection, add }
}

const fieldsAfter = (
  parent: BlockHeader.BlockHeader,
  change: Partial<BlockHeader.Fields> = {}
): BlockHeader.Fields => ({
  height: parent.height + 1,
  previous: parent.id,
  payload: "ab".repeat(32),
  time: parent.time + 1,
  producer: three!.key,
  weight: 1,
  ...change
})

const after = (parent: BlockHeader.BlockHeader, change: Partial<BlockHeader.Fields> = {}) =>
  BlockHeader.identified(fieldsAfter(parent, change))

const signed = (secret: NodeSecret.NodeSecret, parent: BlockHeader.BlockHeader, weight: number) =>
  BlockHeader.signed(fieldsAfter(parent, { producer: secret.key, weight }), (bytes) => NodeSecret.sign(secret, bytes))

describe("a header of a chain that anybody extends", () => {
  const { objection, rules } = start(open)
  const { genesis } = rules
  const fault = (change: Partial<BlockHeader.Fields>) => objection(after(genesis, change))?.fault

  it("may come behind its parent, of any weight that is allowed", () => {
    for (const weight of [1, 2, 65_536]) assert.isUndefined(objection(after(genesis, { weight })))
    assert.isUndefined(objection(after(genesis, { producer: "00".repeat(32) })))
  })

  it("must have the next height", () => {
    assert.strictEqual(fault({ height: 0 }), "height")
    assert.strictEqual(fault({ height: 2 }), "height")
  })

  it("must be later than its parent", () => {
    assert.strictEqual(fault({ time: genesis.time }), "time")
    assert.strictEqual(fault({ time: genesis.time - 1 }), "time")
  })

  it("must be less than two minutes ahead of the clock, which is nobody's fault", () => {
    assert.isUndefined(objection(after(genesis, { time: now + 119_999 })))
    const ahead = objection(after(genesis, { time: now + 120_000 }))
    assert.isDefined(ahead)
    assert.isUndefined(ahead?.fault)
  })

  it("must weigh 1 to 65,536", () => {
    assert.strictEqual(fault({ weight: 0 }), "weight")
    assert.strictEqual(fault({ weight: 65_537 }), "weight")
  })

  it("must not be signed", () => {
    assert.strictEqual(objection(signed(one!, genesis, 1))?.fault, "signature")
  })
})

describe("a header of a chain with producers", () => {
  const { objection, rules } = start(permissioned)
  const { genesis } = rules

  it("may come from any of them, who weigh two in their turn and one out of it", () => {
    // At height 1 it is the second one's turn.
    assert.isUndefined(objection(signed(two!, genesis, 2)))
    assert.isUndefined(objection(signed(one!, genesis, 1)))
  })

  it("must weigh what the turn says", () => {
    assert.strictEqual(objection(signed(two!, genesis, 1))?.fault, "weight")
    assert.strictEqual(objection(signed(one!, genesis, 2))?.fault, "weight")
    assert.strictEqual(objection(signed(one!, genesis, 3))?.fault, "weight")
  })

  it("must come from one of them", () => {
    assert.strictEqual(objection(signed(three!, genesis, 1))?.fault, "producer")
  })

  it("must be signed, by the one that it names, as it is", () => {
    const good = signed(two!, genesis, 2)
    assert.strictEqual(objection({ ...good, signature: undefined })?.fault, "signature")
    const bytes = Uint8Array.from(good.signature!)
    bytes[3]! ^= 1
    assert.strictEqual(objection({ ...good, signature: bytes })?.fault, "signature")
    const forged = BlockHeader.signed(fieldsAfter(genesis, { producer: two!.key, weight: 2 }), (bytes) =>
      NodeSecret.sign(one!, bytes)
    )
    assert.strictEqual(objection(forged)?.fault, "signature")
    assert.strictEqual(
      objection(BlockHeader.identified({ ...good, payload: "00".repeat(32) }, good.signature))?.fault,
      "signature"
    )
  })

  it("keeps the rules that hold without producers as well", () => {
    const late = BlockHeader.signed(
      fieldsAfter(genesis, { producer: two!.key, weight: 2, time: genesis.time }),
      (bytes) => NodeSecret.sign(two!, bytes)
    )
    assert.strictEqual(objection(late)?.fault, "time")
  })
})

describe("of two branches", () => {
  it("the heavier one is better, however long the other one is", () => {
    const { add, rules, tree } = start(open)
    const short = add(after(rules.genesis, { weight: 10 }))
    let at = rules.genesis
    for (let n = 0; n < 9; n++) {
      at = after(at, { payload: "cd".repeat(32) })
      tree.add(at, rules.weight(at))
    }
    assert.strictEqual(tree.best, short)
    tree.add(after(at, { weight: 2 }), 2n)
    assert.strictEqual(tree.best.height, 10)
  })

  it("of the same weight the one with the lower id is better, whichever came first", () => {
    const both = [1, 2].map((n) => after(start(open).rules.genesis, { payload: `0${n}`.repeat(32) }))
    const lower = [...both].sort((a, b) => (a.id < b.id ? -1 : 1))[0]!
    for (const order of [both, [...both].reverse()]) {
      const { rules, tree } = start(open)
      for (const header of order) tree.add(header, rules.weight(header))
      assert.strictEqual(tree.best.header, lower)
    }
  })

  it("of a chain with producers the one whose producers were in turn is better", () => {
    const { rules, tree } = start(permissioned)
    tree.add(signed(one!, rules.genesis, 1), 1n)
    const inTurn = signed(two!, rules.genesis, 2)
    tree.add(inTurn, rules.weight(inTurn))
    assert.strictEqual(tree.best.header, inTurn)
  })
})

describe("the rules of a native chain", () => {
  it("have a name of at most 80 characters that no Bitcoin network has, and headers that come back from the store", () => {
    const { rules } = start({ ...open, id: "x".repeat(64) })
    assert.isAtMost(rules.name.length, 80)
    assert.match(rules.name, /^native:/)
    const header = signed(one!, rules.genesis, 1)
    assert.isAtMost(rules.encode(header).length, 256)
    assert.deepStrictEqual(rules.decode(rules.encode(header)), header)
    assert.deepStrictEqual(rules.decode(rules.encode(rules.genesis)), rules.genesis)
    assert.isUndefined(rules.decode(new Uint8Array(114)))
  })
})
