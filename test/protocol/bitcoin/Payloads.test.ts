import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Beat from "../../../src/protocol/bitcoin/Beat.ts"
import type { BlockHeader } from "../../../src/protocol/bitcoin/BlockHeader.ts"
import * as Headers from "../../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../../src/protocol/bitcoin/Inventory.ts"
import * as MessageFrame from "../../../src/protocol/bitcoin/MessageFrame.ts"
import * as NetworkAddress from "../../../src/protocol/bitcoin/NetworkAddress.ts"
import type { Payload } from "../../../src/protocol/bitcoin/Payload.ts"
import type { PayloadInvalid } from "../../../src/protocol/bitcoin/PayloadInvalid.ts"
import * as Reject from "../../../src/protocol/bitcoin/Reject.ts"
import * as Settings from "../../../src/protocol/bitcoin/Settings.ts"
import * as Version from "../../../src/protocol/bitcoin/Version.ts"
import { bytesOf, edgeCases, hexOf, messages, networkNamed } from "../../support/BitcoinVectors.ts"

/** How a decoded payload looks in the data: other names, and 64-bit numbers as texts. */
interface Checked {
  readonly decode: (
    payload: Uint8Array
  ) => Result.Result<{ readonly fields: object; readonly again: Uint8Array }, PayloadInvalid>
}

const checked = <A>(payload: Payload<A>, fields: (value: A) => object): readonly [string, Checked] => [
  payload.command,
  {
    decode: (bytes) =>
      Result.map(payload.decode(bytes), (value) => ({ fields: fields(value), again: payload.encode(value) }))
  }
]

const endpoint = ({ host, port, services }: NetworkAddress.NetworkAddress) => ({
  services: String(services),
  ip: host,
  port
})

const associationOf = (id: Uint8Array) => (id.length === 0 ? "" : { type: id[0], uuid: hexOf(id.subarray(1)) })

const version = (it: Version.Version) => ({
  version: it.version,
  services: String(it.services),
  timestamp: String(it.time),
  addrRecv: endpoint(it.receiver),
  addrFrom: endpoint(it.sender),
  nonce: String(it.nonce),
  userAgent: it.agent,
  startHeight: it.height,
  relay: it.relay,
  associationId: it.association === undefined ? null : associationOf(it.association)
})

const inventory = (payload: Payload<ReadonlyArray<Inventory.Item>>) =>
  checked(payload, (items) => ({ items: items.map(({ id, kind }) => ({ type: kind, hash: id })) }))

const question = (payload: Payload<Headers.Question>) =>
  checked(payload, ({ locator, stop, version }) => ({ version, locator, hashStop: stop }))

const header = ({ id, previous, ...rest }: BlockHeader) => ({ ...rest, prev: previous, hash: id })

const beat = (payload: Payload<bigint>) => checked(payload, (nonce) => ({ nonce: String(nonce) }))

const payloads = new Map<string, Checked>([
  checked(Version.withAssociation, version),
  beat(Beat.ping),
  beat(Beat.pong),
  inventory(Inventory.inv),
  inventory(Inventory.getdata),
  inventory(Inventory.notfound),
  question(Headers.getheaders),
  question(Headers.getblocks),
  question(Headers.gethdrsen),
  checked(Headers.headers, (all) => ({ headers: all.map(header) })),
  checked(NetworkAddress.addr, (all) => ({ addresses: all.map((one) => ({ ...endpoint(one), time: one.time })) })),
  checked(Settings.feefilter, (rate) => ({ feeRate: String(rate) })),
  checked(Settings.sendcmpct, ({ announce, version }) => ({ announce, version: String(version) })),
  checked(Settings.protoconf, ({ largestPayload, policies }) => ({
    numberOfFields: policies === undefined ? 1 : 2,
    maxRecvPayloadLength: largestPayload,
    ...(policies === undefined ? {} : { streamPolicies: policies })
  })),
  checked(Reject.reject, ({ code, command, id, reason }) => ({
    message: command,
    code,
    reason,
    ...(id === undefined ? {} : { hash: id })
  }))
])

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe("payloads that other implementations wrote", () => {
  for (const file of ["03-messages", "05-captured"] as const) {
    for (const { command, fields, frame, id, network, payload } of messages(file)) {
      it(`lie in frames as ours do: ${id}`, () => {
        assert.strictEqual(hexOf(MessageFrame.encode(networkNamed(network), command, bytesOf(payload))), frame)
      })
      const codec = payloads.get(command)
      if (codec === undefined || fields === null) continue
      it(`are read as they were meant, and written as they were: ${id}`, () => {
        const { again, fields: read } = Result.getOrThrow(codec.decode(bytesOf(payload)))
        for (const [name, value] of Object.entries(fields)) {
          const mine: unknown = Reflect.get(read, name)
          // Captured addresses and association ids are in the data as bytes.
          if (typeof value === "string" && typeof mine === "object") continue
          assert.deepStrictEqual(plain(mine), value, name)
        }
        assert.strictEqual(hexOf(again), payload)
      })
    }
  }
})

describe("payloads at the edges", () => {
  for (const { command, expect, id, payload } of edgeCases()) {
    const codec = payloads.get(command)
    if (codec === undefined) continue
    it(`are taken or refused as nodes do: ${id}`, () => {
      const result = codec.decode(bytesOf(payload))
      const verdict = Result.isSuccess(result) ? "ok" : `error:${result.failure.reason}`
      assert.strictEqual(verdict, expect.startsWith("ok") ? "ok" : expect)
    })
  }

  it("are complete without what version 106 did not have", () => {
    const short = edgeCases().find(({ id }) => id === "version-46-bytes")!
    const { agent, height, nonce, relay } = Result.getOrThrow(Version.version.decode(bytesOf(short.payload)))
    assert.deepStrictEqual([agent, height, nonce, relay], ["", -1, 1n, true])
  })

  it("have no association id where nobody has streams", () => {
    const strange = edgeCases().find(({ id }) => id === "version-assoc-badtype")!
    assert.isUndefined(Result.getOrThrow(Version.version.decode(bytesOf(strange.payload))).association)
  })
})
