/**
 * How a dial over TCP gets from a name to a connection, and the type of every way in which it may not.
 */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import type { LookupAddress, LookupOptions } from "node:dns"
import type * as Net from "node:net"
import * as TransportTcp from "../../src/layers/TransportTcp.ts"
import { Endpoint } from "../../src/protocol/Address.ts"
import { Transport } from "../../src/services/link/Transport.ts"
import { bareServer, silentHost } from "../support/BareSockets.ts"
import { milliseconds } from "../support/Stopwatch.ts"

/** On a busy machine a dial may take long without being given up. */
const patient = 120_000

const build = (options: TransportTcp.Options = {}) =>
  Effect.map(Layer.build(Layer.fresh(TransportTcp.layerWith({ dialTimeout: patient, ...options }))), (context) =>
    Context.get(context, Transport)
  )

const v4: LookupAddress = { address: "127.0.0.1", family: 4 }
const v6: LookupAddress = { address: "::1", family: 6 }

/** A resolver that is asked for one name after the other: `answers` gives each time's addresses, or its error. */
const resolver = (answers: (time: number) => ReadonlyArray<LookupAddress> | Error) => {
  const asked: Array<{ readonly name: string } & Pick<LookupOptions, "family">> = []
  const lookup: Net.LookupFunction = (name, { all, family }, answer) => {
    asked.push({ name, family })
    const found = answers(asked.length)
    setImmediate(() => {
      if (found instanceof Error) answer(found, [])
      else if (all === true) answer(null, [...found])
      else answer(null, found[0]?.address ?? "", found[0]?.family)
    })
  }
  return { asked, lookup }
}

const failing = (code: string, more: object = {}): Error => Object.assign(new Error(code), { code, ...more })

/** Listens, and gives the port; a second server of the other family cannot have the same one by accident. */
const listening = (at: "127.0.0.1" | "::1") => bareServer((socket) => void socket.resume(), at)

const dial = (options: TransportTcp.Options, port: number, host = "peer.example") =>
  Effect.gen(function* () {
    const transport = yield* build(options)
    const { remoteHost } = yield* Effect.scoped(transport.dial(new Endpoint({ host, port })))
    return remoteHost
  })

const failure = (options: TransportTcp.Options, port = 1, host?: string) =>
  Effect.map(Effect.flip(dial(options, port, host)), ({ reason }) => reason)

describe("a dial of a name", () => {
  it.live("asks for the name anew each time, so that a peer that has moved is found", () =>
    Effect.gen(function* () {
      const { endpoint } = yield* listening("127.0.0.1")
      const { asked, lookup } = resolver((time) => [{ address: time === 1 ? "127.0.0.1" : "127.0.0.2", family: 4 }])
      const transport = yield* build({ lookup })
      const at = new Endpoint({ host: "peer.example", port: endpoint.port })
      yield* Effect.scoped(transport.dial(at))
      // The name leads elsewhere now, where nobody listens.
      assert.strictEqual((yield* Effect.flip(Effect.scoped(transport.dial(at)))).reason, "refused")
      assert.deepStrictEqual(
        asked.map(({ name }) => name),
        ["peer.example", "peer.example"]
      )
    })
  )

  for (const [what, at, addresses] of [
    ["IPv4 where IPv6 refuses", "127.0.0.1", [v6, v4]],
    ["IPv6 where IPv4 refuses", "::1", [v4, v6]]
  ] as const) {
    it.live(`with addresses of both families connects by ${what}`, () =>
      Effect.gen(function* () {
        const { endpoint } = yield* listening(at)
        const { lookup } = resolver(() => addresses)
        assert.strictEqual(yield* dial({ lookup }, endpoint.port), at, "it says where the name led")
      })
    )
  }

  it.live("with addresses of both families is refused where both refuse", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* failure({ lookup: resolver(() => [v6, v4]).lookup }), "refused")
    })
  )

  it.live("goes on to the next address when one does not answer", () =>
    Effect.gen(function* () {
      const { host, port } = yield* silentHost
      // The silent one has its port on 127.0.0.1 alone.
      const other = { host: "127.0.0.2", port }
      yield* (yield* build()).listen(other)
      const found = [host, other.host].map((address) => ({ address, family: 4 }))
      yield* dial({ lookup: resolver(() => found).lookup }, port)
    })
  )

  it.live("from a local address asks for its family", () =>
    Effect.gen(function* () {
      const { endpoint } = yield* listening("127.0.0.1")
      const { asked, lookup } = resolver(() => [v4])
      yield* dial({ lookup, localAddress: "127.0.0.7" }, endpoint.port)
      assert.deepStrictEqual(asked, [{ name: "peer.example", family: 4 }])
    })
  )

  it.live("does not ask for an address", () =>
    Effect.gen(function* () {
      const { endpoint } = yield* listening("127.0.0.1")
      const { asked, lookup } = resolver(() => [])
      yield* dial({ lookup }, endpoint.port, endpoint.host)
      assert.deepStrictEqual(asked, [])
    })
  )
})

describe("a dial that fails says why:", () => {
  for (const [code, reason] of [
    ["ENOTFOUND", "unknown-host"],
    ["EAI_AGAIN", "unknown-host"],
    ["EAI_FAIL", "unknown-host"],
    ["ESERVFAIL", "unknown-host"],
    ["ENODATA", "unknown-host"],
    // The resolver's own connection, not the peer.
    ["ECONNREFUSED", "unknown-host"],
    ["ETIMEOUT", "timed-out"],
    ["EMFILE", "exhausted"]
  ] as const) {
    it.live(`${reason} when the resolver says ${code}`, () =>
      Effect.gen(function* () {
        const { lookup } = resolver(() => failing(code, { syscall: "queryA" }))
        assert.strictEqual(yield* failure({ lookup }), reason)
      })
    )
  }

  it.live("unknown-host when the resolver finds no address, or none that is one", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* failure({ lookup: resolver(() => []).lookup }), "unknown-host")
      const nonsense = resolver(() => [{ address: "nonsense", family: 4 }])
      assert.strictEqual(yield* failure({ lookup: nonsense.lookup }), "unknown-host")
    })
  )

  it.live("unknown-host when the system has no such name", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* failure({}, 1, "no-such-host.invalid"), "unknown-host")
    })
  )

  it.live("timed-out when the resolver never answers", () =>
    Effect.gen(function* () {
      const lookup: Net.LookupFunction = () => undefined
      assert.strictEqual(yield* failure({ lookup, dialTimeout: 100 }), "timed-out")
    })
  )

  it.live("timed-out after the time of one dial, however many addresses do not answer", () =>
    Effect.gen(function* () {
      const { host, port } = yield* silentHost
      const { lookup } = resolver(() => Array.from({ length: 40 }, () => ({ address: host, family: 4 })))
      const failing = Effect.map(failure({ lookup, dialTimeout: 500 }, port), (reason) =>
        assert.strictEqual(reason, "timed-out")
      )
      // Each of them has 250 ms of its own: all would take ten seconds.
      assert.isBelow(yield* milliseconds(failing), 8_000)
    })
  )

  it.live("unreachable when the local address is not this machine's, or of another family than the peer's", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* failure({ localAddress: "192.0.2.1" }, 1, "127.0.0.1"), "unreachable")
      assert.strictEqual(yield* failure({ localAddress: "127.0.0.7" }, 1, "::1"), "unreachable")
    })
  )
})
