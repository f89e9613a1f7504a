import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Address } from "../../../src/protocol/Address.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import { BanGate, type Gate } from "../../../src/services/link/BanGate.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as HostilePeer from "../../support/HostilePeer.ts"
import { hostOf, keyOf, type LinkNode, start } from "../../support/LinkNode.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const { admission, eviction } = LinkConfig.defaults

/** Seeds by their keys, the lowest first: the first one is everybody's arbiter. */
const seeds = Array.from({ length: 40 }, (_, i) => i + 1).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
const node = (network: MemoryNetwork, config: Partial<LinkConfig.Config> = {}) =>
  start({ network, seed: seeds[0]!, config })

const isLive = ({ registry }: LinkNode, peer: LinkNode["key"]): boolean => registry.session(peer) !== undefined

/** A peer that has said HELLO from this host. */
const guest = Effect.fnUntraced(function* (network: MemoryNetwork, at: LinkNode, place: number, host: string) {
  const seed = seeds[place]!
  const peer = yield* HostilePeer.dial(network.transport(host), at.address.endpoint, {
    seed: new Uint8Array(32).fill(seed),
    expected: at.key
  })
  yield* peer.hello()
  yield* settle
  return { ...peer, key: keyOf(seed) }
})
type Guest = Effect.Success<ReturnType<typeof guest>>

/** What a peer that is not let in is told. */
const told = Effect.fnUntraced(function* (peer: Guest) {
  const { word } = yield* peer.farewell
  assert.strictEqual(word?._tag, "Reject")
  return word?._tag === "Reject" ? word.reject : assert.fail()
})

const gate = (parts: Partial<Gate>): Gate => ({
  closedFor: () => 0,
  keptOut: () => undefined,
  offended: () => undefined,
  ...parts
})

describe("the entrance", () => {
  describe("with one peer for each machine", () => {
    const machine = { admission: { ...admission, policy: "machine" } } as const

    it.effect("turns a second key at an address away while the first one answers", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const at = yield* node(network, machine)
        const first = yield* start({ network, seed: seeds[1]! })
        yield* first.want(at)
        yield* settle
        const second = yield* guest(network, at, 2, first.host)
        assert.strictEqual((yield* told(second)).reason, "occupied")
        assert.isTrue(isLive(at, first.key))
        const elsewhere = yield* guest(network, at, 3, "10.0.0.99")
        assert.isTrue(isLive(at, elsewhere.key))
      })
    )

    it.effect("lets it in when the first one stays silent for the time of a probe, and looks at nothing before", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const at = yield* node(network, machine)
        const first = yield* start({ network, seed: seeds[1]! })
        yield* first.want(at)
        yield* settle
        yield* first.vanish
        const second = yield* guest(network, at, 2, first.host)
        // Would be a violation before the session is live.
        yield* second.send(Frame.Kind.Gossip)
        yield* pass(LinkConfig.defaults.probeTimeout - 1)
        assert.deepStrictEqual([isLive(at, first.key), isLive(at, second.key)], [true, false])
        yield* pass(1)
        assert.deepStrictEqual([isLive(at, first.key), isLive(at, second.key)], [false, true])
      })
    )
  })

  it.effect("takes so many keys of one address, and a key again that has come from another one", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const at = yield* node(network, { admission: { ...admission, perIpMax: 2 } })
      const [one, two, three] = [
        yield* guest(network, at, 1, "10.0.0.99"),
        yield* guest(network, at, 2, "10.0.0.99"),
        yield* guest(network, at, 3, "10.0.0.99")
      ]
      assert.deepStrictEqual([isLive(at, one.key), isLive(at, two.key), isLive(at, three.key)], [true, true, false])
      assert.strictEqual((yield* told(three)).reason, "occupied")
      yield* two.end
      yield* settle
      const again = yield* guest(network, at, 3, "10.0.0.99")
      assert.isTrue(isLive(at, again.key))
    })
  )

  it.effect("keeps out who is banned, and says for how long", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const kept = (key: LinkNode["key"], host: string) =>
        key === keyOf(seeds[1]!) || host === "10.0.0.98" ? { reason: "it lied", forMillis: 5_000 } : undefined
      const at = yield* Effect.provideService(node(network), BanGate, gate({ keptOut: kept }))
      for (const [place, host] of [
        [1, "10.0.0.97"],
        [2, "10.0.0.98"]
      ] as const) {
        const banned = yield* guest(network, at, place, host)
        const { detail, reason, retryAfterMillis } = yield* told(banned)
        assert.deepStrictEqual([reason, detail, retryAfterMillis], ["banned", "it lied", 5_000])
      }
      const welcome = yield* guest(network, at, 3, "10.0.0.97")
      assert.isTrue(isLive(at, welcome.key))
    })
  )

  describe("asks again for who has waited, and keeps out who is banned by then", () => {
    /** A node that keeps out whatever key or host is in the set. */
    const keeping = (kept: ReadonlySet<string>, options: Parameters<typeof start>[0]) => {
      const keptOut: Gate["keptOut"] = (peer, host) =>
        kept.has(peer) || kept.has(host) ? { reason: "it lied", forMillis: 5_000 } : undefined
      return Effect.provideService(start(options), BanGate, gate({ keptOut }))
    }

    it.effect("for the place of another peer", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const kept = new Set<string>()
        // Not the arbiter, which would be asked once more.
        const config = { admission: { ...admission, policy: "machine" } } as const
        const at = yield* keeping(kept, { network, seed: seeds[9]!, config })
        const first = yield* start({ network, seed: seeds[1]! })
        yield* first.want(at)
        yield* settle
        assert.isTrue(isLive(at, first.key))
        yield* first.vanish
        const second = yield* guest(network, at, 2, first.host)
        kept.add(first.host)
        yield* pass(LinkConfig.defaults.probeTimeout)
        const { reason, retryAfterMillis } = yield* told(second)
        assert.deepStrictEqual([reason, retryAfterMillis], ["banned", 5_000])
        assert.isFalse(isLive(at, second.key))
        assert.lengthOf(at.registry.sessions(), 0)
      })
    )

    it.effect("for the arbiter's word", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const kept = new Set<string>()
        const at = yield* keeping(kept, { network, seed: seeds[0]! })
        const first = yield* guest(network, at, 1, "10.0.0.99")
        assert.isTrue(isLive(at, first.key))
        const second = yield* HostilePeer.dial(network.transport("10.0.0.99"), at.address.endpoint, {
          seed: new Uint8Array(32).fill(seeds[1]!),
          expected: at.key
        })
        yield* second.hello({ database: HostilePeer.uuid(777), instance: HostilePeer.uuid(778) })
        yield* settle
        kept.add(first.key)
        yield* first.end
        yield* pass("3 seconds")
        const { word } = yield* second.farewell
        assert.deepInclude(word?._tag === "Reject" ? word.reject : undefined, { reason: "banned", detail: "it lied" })
        assert.isFalse(isLive(at, first.key))
        assert.lengthOf(at.sessions, 1)
      })
    )
  })

  it.effect("tells of what no honest node sends, with the key that has proven itself and the host", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      const offences: Array<unknown> = []
      const oversized = Uint8Array.of(0x7f, 0xff, 0xff, 0xff, Frame.version, Frame.Kind.Data)
      const offended: Gate["offended"] = (offence, by) => void offences.push([offence, by])
      const at = yield* Effect.provideService(node(network), BanGate, gate({ offended }))
      const large = yield* guest(network, at, 1, "10.0.0.97")
      yield* large.sendBytes(oversized)
      yield* settle
      const boastful = yield* guest(network, at, 2, "10.0.0.98")
      assert.isTrue(isLive(at, boastful.key))
      const liar = yield* HostilePeer.dial(network.transport("10.0.0.96"), at.address.endpoint, {
        seed: new Uint8Array(32).fill(seeds[3]!)
      })
      yield* liar.hello({ knows: 2n ** 64n - 1n })
      yield* settle
      const blunt = yield* HostilePeer.dial(network.transport("10.0.0.95"), at.address.endpoint, {
        seed: new Uint8Array(32).fill(seeds[4]!)
      })
      // Its very first frame. The record that carried it has opened, so the key is proven.
      yield* blunt.sendBytes(oversized)
      yield* settle
      assert.deepStrictEqual(offences, [
        ["oversized-frame", { peer: large.key, host: "10.0.0.97" }],
        ["impossible-number", { peer: keyOf(seeds[3]!), host: "10.0.0.96" }],
        ["oversized-frame", { peer: keyOf(seeds[4]!), host: "10.0.0.95" }]
      ])
    })
  )

  describe("of a peer that is dialled by name", () => {
    const named = Effect.fnUntraced(function* (parts: Partial<Gate>) {
      const network = new MemoryNetwork()
      const at = yield* Effect.provideService(node(network), BanGate, gate(parts))
      const peer = yield* start({ network, seed: seeds[1]! })
      network.names.set("peer.example", peer.host)
      yield* at.want({ key: peer.key, address: new Address({ key: peer.key, host: "peer.example", port: 4000 }) })
      yield* settle
      return { at, network, peer }
    })

    it.effect("is closed where the name leads to a host that is kept out, and opens with the host", () =>
      Effect.gen(function* () {
        const kept = new Set([hostOf(seeds[1]!)])
        const { at, network, peer } = yield* named({
          keptOut: (_, host) => (kept.has(host) ? { reason: "it lied", forMillis: 5_000 } : undefined)
        })
        yield* pass("1 minute")
        assert.isAbove(network.dials, 1)
        assert.isFalse(isLive(at, peer.key))
        assert.deepStrictEqual(at.registry.recent(), [], "nobody has been talked to")
        const [watch] = yield* at.supervisor.watches
        assert.strictEqual(watch?.lastEnded?.detail, "10.0.0." + seeds[1]! + " is banned: it lied")
        kept.clear()
        yield* pass("1 minute")
        assert.isTrue(isLive(at, peer.key))
      })
    )

    it.effect("is told of by its address", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const { at, peer } = yield* named({ keptOut: (_, host) => void asked.push(host) })
        assert.isTrue(isLive(at, peer.key))
        assert.deepStrictEqual(new Set(asked), new Set([peer.host]))
        assert.strictEqual(at.registry.session(peer.key)?.connection.host, peer.host)
        assert.strictEqual(at.registry.session(peer.key)?.connection.remote, "peer.example:4000")
      })
    )
  })

  describe("when every slot is taken", () => {
    const few = { maxSessions: 3, eviction: { ...eviction, nearest: 0, useful: 0, neighbourhoods: 0 } }

    it.effect("refuses strangers, and keeps a third for peers of this node's own choice", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const at = yield* node(network, few)
        for (const place of [1, 2]) yield* guest(network, at, place, `10.${place}.0.1`)
        const third = yield* guest(network, at, 3, "10.3.0.1")
        assert.strictEqual((yield* told(third)).reason, "busy")
        const chosen = yield* start({ network, seed: seeds[4]! })
        yield* at.want(chosen)
        yield* pass("1 second")
        assert.isTrue(isLive(at, chosen.key))
      })
    )

    it.effect("takes no stranger at all where every place is kept, and peers of its own choice still", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const at = yield* node(network, { ...few, eviction: { ...few.eviction, reserved: 3 } })
        const stranger = yield* guest(network, at, 1, "10.1.0.1")
        assert.strictEqual((yield* told(stranger)).reason, "busy")
        const chosen = yield* start({ network, seed: seeds[4]! })
        yield* at.want(chosen)
        yield* pass("1 second")
        assert.isTrue(isLive(at, chosen.key))
      })
    )

    it.effect("counts those that are let in before they are sessions", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        // Everybody else is the arbiter, and lets the session wait.
        const at = yield* start({ network, seed: seeds.at(-1)!, config: few })
        const guests = yield* Effect.forEach([1, 2, 3, 4], (place) => guest(network, at, place, `10.${place}.0.1`))
        for (const peer of guests) yield* peer.send(Frame.Kind.Commit, LinkMessage.commit.encode({ number: 1n }))
        yield* settle
        assert.strictEqual(guests.filter(({ key }) => isLive(at, key)).length, 2)
      })
    )

    it.effect("asks a stranger to leave that has been there for a while, for a minute at least", () =>
      Effect.gen(function* () {
        const network = new MemoryNetwork()
        const heartbeat = { interval: 600_000, timeout: 1_200_000, missed: 1, stable: 60_000 }
        const at = yield* node(network, { ...few, heartbeat })
        const guests = [yield* guest(network, at, 1, "10.1.0.1"), yield* guest(network, at, 2, "10.1.0.2")]
        yield* pass(eviction.graceMillis)
        const newcomer = yield* guest(network, at, 3, "10.3.0.1")
        assert.isTrue(isLive(at, newcomer.key))
        yield* pass(LinkConfig.defaults.lingerTimeout)
        const left = guests.filter(({ key }) => !isLive(at, key))
        assert.strictEqual(left.length, 1)
        const { word } = yield* left[0]!.farewell
        assert.strictEqual(word?._tag === "Goodbye" ? word.goodbye.retryAfterMillis : undefined, 60_000)
      })
    )
  })
})
