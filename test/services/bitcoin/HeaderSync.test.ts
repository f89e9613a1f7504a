import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as ChainRules from "../../../src/protocol/bitcoin/ChainRules.ts"
import * as BlockHeader from "../../../src/protocol/bitcoin/BlockHeader.ts"
import * as Hash from "../../../src/protocol/bitcoin/Hash.ts"
import * as Headers from "../../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../../src/protocol/bitcoin/Inventory.ts"
import { Service, current } from "../../../src/protocol/bitcoin/Version.ts"
import * as HeaderChain from "../../../src/services/chain/HeaderChain.ts"
import { HeaderStore, type StoredHeader } from "../../../src/services/chain/HeaderStore.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as Miner from "../../support/BitcoinMiner.ts"
import { at, elapse, net, NetworkLab, tags } from "../../support/BitcoinNetworkLab.ts"

const headers = Miner.chain(net.first, 4_100, { network: net })
const branch = Miner.chain(headers[9]!, 20, { network: net, branch: 1 })
const day = 86_400_000

const home = at("10.0.0.2")
/** A node that listens and has these headers. */
const listening = (lab: NetworkLab, known: ReadonlyArray<BlockHeader.BlockHeader> = []) =>
  lab.start("10.0.0.2", { listen: home }, [], known)

/** What a store has. */
const read = Effect.map((all: ReadonlyArray<StoredHeader>) => all.map(({ bytes }) => BlockHeader.decode(bytes)))
const ids = (all: ReadonlyArray<BlockHeader.BlockHeader>) => all.map(({ id }) => id)
const given = (all: ReadonlyArray<BlockHeader.BlockHeader>) => Headers.headers.encode(all)
const asking = (locator: ReadonlyArray<string>, stop = Hash.zero) =>
  Headers.getheaders.encode({ version: current, locator, stop })
const told = (id: string) => Inventory.inv.encode([{ kind: Inventory.Kind.block, id }])

type Lab = Effect.Success<ReturnType<NetworkLab["start"]>>
const heightOf = (node: Lab) => node.headers?.best().height
const faults = ({ events }: Lab) => events.flatMap((event) => (event._tag === "Misbehaved" ? [event.fault] : []))

type Guest = Effect.Success<ReturnType<NetworkLab["guest"]>>
/** The locators that a guest was asked with. */
const locators = (guest: Guest) =>
  guest.heard("getheaders").map(({ body }) => Result.getOrThrow(Headers.getheaders.decode(body)).locator)
const answers = (guest: Guest) =>
  guest.heard("headers").map(({ body }) => ids(Result.getOrThrow(Headers.headers.decode(body))))

/** Such that the last of these headers is not old. */
const nearNow = (all: ReadonlyArray<BlockHeader.BlockHeader>) => TestClock.setTime(all.at(-1)!.time * 1_000 + 1_000)

describe("a node that keeps headers", () => {
  it.effect("fetches 4,100 from one peer, in three pages, and keeps them over a restart", () =>
    Effect.gen(function* () {
      yield* nearNow(headers)
      const lab = new NetworkLab()
      yield* listening(lab, headers)
      const a = yield* lab.start("10.0.0.1", {}, [home])
      yield* elapse(1_000)
      assert.strictEqual(heightOf(a), 4_100)
      const tips = a.events.flatMap((event) => (event._tag === "Tip" ? [event.height] : []))
      assert.deepStrictEqual(tips, [2_000, 4_000, 4_100])
      assert.deepStrictEqual(yield* read(a.headerStore.above(net.name, 0, 5_000)), headers)
      assert.deepStrictEqual(yield* a.headers!.at(1_234), headers[1_233])
      assert.isFalse(a.headers!.isAsking())
      const again = yield* HeaderChain.make(ChainRules.of(net)).pipe(
        Effect.provideService(HeaderStore, a.headerStore),
        Effect.provideService(Transactions, a.transactions)
      )
      assert.deepInclude(again.best(), { height: 4_100, weight: a.headers!.best().weight })
    })
  )

  it.effect("says its height in its version", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      yield* listening(lab, headers.slice(0, 50))
      const a = yield* lab.start("10.0.0.1", { headers: false }, [home])
      yield* elapse(100)
      assert.strictEqual(a.connections()[0]?.peer?.version?.height, 50)
      assert.isUndefined(a.headers)
    })
  )

  it.effect("asks another one when a peer stays silent, and does not cut it off", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(net.first.time * 1_000 + 2 * day)
      const lab = new NetworkLab()
      const b = yield* listening(lab)
      const silent = yield* lab.guest("10.0.1.1", home)
      const second = yield* lab.guest("10.0.1.2", home)
      assert.lengthOf(locators(silent), 1)
      assert.lengthOf(locators(second), 0)
      yield* elapse(2_600)
      assert.lengthOf(locators(second), 1)
      assert.notInclude(tags(b.events), "NoHeaders")
      yield* second.say("headers", given(headers.slice(0, 5)))
      assert.strictEqual(heightOf(b), 5)
      assert.isFalse(b.headers!.isAsking(), "nobody waits for the one that is late")
      yield* elapse(31_000)
      assert.include(tags(b.events), "NoHeaders")
      assert.lengthOf(b.connections(), 2)
    })
  )

  it.effect("asks with the heights that real nodes name, from the parent of its best header", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      yield* listening(lab, headers.slice(0, 100))
      const guest = yield* lab.guest("10.0.1.1", home)
      const chain = [net.first, ...headers]
      const heights = [99, 98, 97, 96, 95, 94, 93, 92, 91, 90, 89, 88, 86, 82, 74, 58, 26, 0]
      assert.deepStrictEqual(locators(guest), [heights.map((height) => chain[height]!.id)])
    })
  )

  it.effect("goes over to a branch that has more work, and says so", () =>
    Effect.gen(function* () {
      yield* nearNow(headers)
      const lab = new NetworkLab()
      const b = yield* listening(lab, headers.slice(0, 15))
      const guest = yield* lab.guest("10.0.1.1", home)
      yield* guest.say("headers", given(branch.slice(0, 5)))
      assert.strictEqual(b.headers!.best().header.id, headers[14]!.id, "of two equal ones the first is kept")
      yield* guest.say("headers", given(branch.slice(5, 8)))
      assert.strictEqual(b.headers!.best().header.id, branch[7]!.id)
      const tip = b.events.find((event) => event._tag === "Tip")
      assert.deepInclude(tip, { height: 18, left: 5, joined: 8 })
      assert.deepStrictEqual(yield* read(b.headerStore.above(net.name, 8, 100)), [
        headers[8]!,
        headers[9]!,
        ...branch.slice(0, 8)
      ])
    })
  )

  it.effect("follows a branch of several pages to where it has more work", () =>
    Effect.gen(function* () {
      yield* nearNow(headers)
      const long = Miner.chain(headers[9]!, 2_700, { network: net, branch: 2 })
      const lab = new NetworkLab()
      const b = yield* listening(lab, headers.slice(0, 2_600))
      const guest = yield* lab.guest("10.0.1.1", home)
      guest.heard()
      yield* guest.say("headers", given(long.slice(0, 2_000)))
      assert.deepStrictEqual(locators(guest)[0]?.[0], long[1_999]!.id)
      yield* guest.say("headers", given(long.slice(2_000)))
      assert.strictEqual(b.headers!.best().header.id, long.at(-1)!.id)
      const tip = b.events.find((event) => event._tag === "Tip")
      assert.deepInclude(tip, { height: 2_710, left: 2_590, joined: 2_700 })
    })
  )

  it.effect("charges nobody for being far behind", () =>
    Effect.gen(function* () {
      const many = Miner.chain(headers.at(-1)!, 5_000, { network: net })
      const all = [...headers, ...many]
      yield* nearNow(all)
      const lab = new NetworkLab()
      const b = yield* listening(lab, all)
      const guest = yield* lab.guest("10.0.1.1", home)
      yield* guest.say("headers", given(all.slice(0, 2_000)))
      yield* guest.say("headers", given(all.slice(2_000, 2_009)))
      assert.deepStrictEqual(faults(b), [])
      assert.strictEqual(heightOf(b), 9_100)
    })
  )

  it.effect("keeps what a peer has given that leaves meanwhile", () =>
    Effect.gen(function* () {
      yield* nearNow(headers)
      const lab = new NetworkLab()
      const b = yield* listening(lab, headers.slice(0, 100))
      const scope = yield* Scope.make()
      const guest = yield* Scope.provide(lab.guest("10.0.1.1", home), scope)
      yield* guest.write("headers", given(headers.slice(100, 103)))
      yield* Scope.close(scope, Exit.void)
      yield* elapse(100)
      assert.strictEqual(heightOf(b), 103)
    })
  )

  it.effect("asks a peer that tells of a block that it does not know, by its id or its header", () =>
    Effect.gen(function* () {
      yield* nearNow(headers)
      const lab = new NetworkLab()
      const b = yield* listening(lab, headers.slice(0, 4_000))
      const guest = yield* lab.guest("10.0.1.1", home)
      yield* guest.say("headers", given([]))
      guest.heard()
      yield* guest.say("inv", told(headers[3_999]!.id))
      assert.lengthOf(locators(guest), 0)
      yield* guest.say("inv", told(headers[4_050]!.id))
      assert.lengthOf(locators(guest), 1)
      yield* guest.say("headers", given(headers.slice(4_000, 4_051)))
      assert.strictEqual(heightOf(b), 4_051)
      yield* guest.say("headers", given(headers.slice(4_060, 4_062)))
      assert.lengthOf(locators(guest), 1)
      assert.deepStrictEqual(faults(b), [])
    })
  )

  it.effect("charges a peer for headers that follow nothing: many at once, or few again and again", () =>
    Effect.gen(function* () {
      yield* nearNow(headers)
      const lab = new NetworkLab()
      const b = yield* listening(lab, headers.slice(0, 4_080))
      const guest = yield* lab.guest("10.0.1.1", home)
      yield* guest.say("headers", given(branch.slice(10, 18)))
      assert.deepStrictEqual(faults(b), ["headers-unconnected"])
      for (let i = 0; i < 9; i++) yield* guest.say("headers", given(branch.slice(10, 17)))
      assert.lengthOf(faults(b), 1)
      yield* guest.say("headers", given(branch.slice(10, 17)))
      assert.lengthOf(faults(b), 2)
    })
  )

  for (const [fault, wrong] of [
    ["headers-broken", [headers[0]!, headers[2]!]],
    ["headers-many", Miner.chain(headers[4_099]!, 1, { network: net }).concat(headers.slice(0, Headers.mostHeaders))],
    ["header-bits", [Miner.next(net.first, { network: net, bits: 0x207ffffe })]]
  ] as const) {
    it.effect(`charges a peer with ${fault}`, () =>
      Effect.gen(function* () {
        const lab = new NetworkLab()
        const b = yield* listening(lab)
        const guest = yield* lab.guest("10.0.1.1", home)
        yield* guest.say("headers", given(wrong))
        assert.deepStrictEqual(faults(b), [fault])
        assert.strictEqual(heightOf(b), 0)
      })
    )
  }

  it.effect("takes what is right before what is wrong, and nothing of the future", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      yield* TestClock.setTime(headers[9]!.time * 1_000 - 7_200_000)
      const b = yield* listening(lab)
      const guest = yield* lab.guest("10.0.1.1", home)
      yield* guest.say("headers", given(headers.slice(0, 20)))
      assert.strictEqual(heightOf(b), 10)
      assert.deepStrictEqual(faults(b), [])
      yield* TestClock.adjust(day)
      const later = yield* lab.guest("10.0.1.2", home)
      yield* later.say("headers", given(headers.slice(0, 20)))
      assert.strictEqual(heightOf(b), 20)
    })
  )

  it.effect("answers from the first id that it knows, up to the stop, as real nodes do", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      yield* listening(lab, headers)
      const guest = yield* lab.guest("10.0.1.1", home)
      const unknown = "ab".repeat(32)
      const asked = (locator: ReadonlyArray<string>, stop?: string) =>
        Effect.map(guest.say("getheaders", asking(locator, stop)), () => answers(guest))
      assert.deepStrictEqual(yield* asked([headers[4_089]!.id]), [ids(headers.slice(4_090))])
      assert.deepStrictEqual(yield* asked([unknown, headers[9]!.id], headers[12]!.id), [ids(headers.slice(10, 13))])
      assert.deepStrictEqual(yield* asked([unknown]), [ids(headers.slice(0, 2_000))])
      assert.deepStrictEqual(yield* asked([headers[4_099]!.id]), [[]])
      assert.deepStrictEqual(yield* asked([], unknown), [])
      assert.deepStrictEqual(yield* asked([]), [])
      assert.deepStrictEqual(yield* asked([], headers[6]!.id), [[headers[6]!.id]])
    })
  )

  it.effect(
    "tells others of a new header: the header to who asked for headers and has the one before, else its id",
    () =>
      Effect.gen(function* () {
        yield* nearNow(headers)
        const lab = new NetworkLab()
        yield* lab.start("10.0.0.2", { listen: home, services: Service.network }, [], headers.slice(0, 4_090))
        const source = yield* lab.guest("10.0.1.1", home)
        const knowing = yield* lab.guest("10.0.1.2", home)
        yield* knowing.say("sendheaders")
        yield* knowing.say("headers", given(headers.slice(4_088, 4_090)))
        const other = yield* lab.guest("10.0.1.3", home)
        const invs = (guest: Guest) =>
          guest.heard("inv").map(({ body }) => Result.getOrThrow(Inventory.inv.decode(body)))
        yield* source.say("headers", given(headers.slice(4_090, 4_092)))
        assert.deepStrictEqual(answers(knowing), [ids(headers.slice(4_090, 4_092))])
        assert.deepStrictEqual(invs(other), [[{ kind: Inventory.Kind.block, id: headers[4_091]!.id }]])
        assert.deepStrictEqual(invs(source), [])
      })
  )

  it.effect("does not begin on a database that has headers of another chain", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const stranger = BlockHeader.identified({ ...net.first, nonce: 9 })
      const node = yield* Effect.exit(lab.start("10.0.0.1", {}, [], [stranger], stranger))
      assert.isTrue(Exit.isFailure(node))
      if (Exit.isFailure(node)) assert.include(String(node.cause), "use another database")
    })
  )
})
