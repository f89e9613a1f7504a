import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { addr } from "../../../src/protocol/bitcoin/NetworkAddress.ts"
import * as Ban from "../../../src/protocol/link/Ban.ts"
import { at, elapse, net, NetworkLab, settle, tags } from "../../support/BitcoinNetworkLab.ts"

const connected = (node: Effect.Success<ReturnType<NetworkLab["start"]>>) =>
  node.connections().filter(({ state }) => state === "Connected")

describe("a node on a Bitcoin network", () => {
  it.effect("dials who it knows, and is connected on both sides", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const b = yield* lab.start("10.0.0.2", { listen: at("10.0.0.2") })
      const a = yield* lab.start("10.0.0.1", {}, [at("10.0.0.2")])
      yield* elapse(100)
      assert.deepStrictEqual(
        connected(a).map(({ kind, remote }) => [kind, remote]),
        [["Outbound", "10.0.0.2:18444"]]
      )
      assert.deepStrictEqual(
        connected(b).map(({ kind }) => kind),
        ["Inbound"]
      )
      const ways = ["Disconnected to Connecting", "Connecting to AwaitingHandshake", "AwaitingHandshake to Connected"]
      assert.deepStrictEqual(tags(a.events).slice(0, 3), ways)
      assert.strictEqual((yield* a.store.find(net.name, at("10.0.0.2")))?.status, "Valid")
    })
  )

  it.effect("has as many connections as are wanted, and dials another when one is lost", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const peers = ["10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4"]
      for (const host of peers) yield* lab.play(host)
      const a = yield* lab.start(
        "10.0.0.1",
        { pool: { target: 2 } },
        peers.map((host) => at(host))
      )
      yield* elapse(1_000)
      assert.lengthOf(connected(a), 2)
      const [first] = connected(a)
      assert.isTrue(yield* a.close(first!.id))
      yield* elapse(3_000)
      assert.lengthOf(connected(a), 2)
    })
  )

  it.effect("takes connections up to the most, and tells the next one behind the handshake that there is no room", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const b = yield* lab.start("10.0.0.2", { listen: at("10.0.0.2"), pool: { target: 1, most: 2 } })
      const dialled = [at("10.0.0.2")]
      const nodes = yield* Effect.forEach(["10.0.0.3", "10.0.0.4", "10.0.0.5"], (host) => lab.start(host, {}, dialled))
      yield* elapse(500)
      assert.lengthOf(connected(b), 2)
      const last = nodes[2]!
      const rejected = last.events.find(({ _tag }) => _tag === "Rejected")
      assert.deepInclude(rejected, { command: "version", reason: "this node has as many connections as it may" })
      yield* elapse(2_000)
      assert.include(tags(b.events), "AwaitingHandshake to Rejected")
    })
  )

  it.effect("tries a node that does not answer ten times, and leaves it alone then", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const a = yield* lab.start("10.0.0.1", {}, [at("10.0.9.9")])
      yield* elapse(3_600_000)
      assert.strictEqual(lab.network.dials, 10)
      assert.deepInclude(yield* a.store.find(net.name, at("10.0.9.9")), { status: "Inaccessible" })
      assert.include(tags(a.events), "Inaccessible")
    })
  )

  it.effect("restarts three times what hangs up after the handshake, and leaves it alone then", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const peer = yield* lab.play("10.0.1.1", { hangsUp: true })
      const a = yield* lab.start("10.0.0.1", {}, [at("10.0.1.1")])
      yield* elapse(600_000)
      assert.strictEqual(peer.accepted(), 4)
      assert.strictEqual(tags(a.events).filter((tag) => tag === "Restarting").length, 3)
      assert.deepInclude(yield* a.store.find(net.name, at("10.0.1.1")), { status: "Inaccessible" })
    })
  )

  it.effect("gives up a handshake in time", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const peer = yield* lab.play("10.0.1.1", { handshake: false })
      const a = yield* lab.start("10.0.0.1", {}, [at("10.0.1.1")])
      yield* elapse(3_600_000)
      assert.strictEqual(peer.accepted(), 1)
      assert.include(tags(a.events), "AwaitingHandshake to Failed")
      assert.deepInclude(yield* a.store.find(net.name, at("10.0.1.1")), { status: "Inaccessible" })
    })
  )

  it.effect("bans for a day the host of an agent that is not wanted, and dials it no more", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const peer = yield* lab.play("10.0.1.1", { says: { agent: "/Bitcoin ABC:0.22/" } })
      const a = yield* lab.start("10.0.0.1", {}, [at("10.0.1.1"), at("10.0.1.1", 1)])
      yield* elapse(3_600_000)
      assert.strictEqual(peer.accepted(), 1)
      assert.deepInclude(yield* a.store.find(net.name, at("10.0.1.1")), { status: "Banned" })
      const ban = a.bans.ofHost("10.0.1.1")
      assert.strictEqual((ban?.until ?? 0) - (ban?.since ?? 0), 86_400_000)
      assert.isTrue(yield* a.bans.lift(Ban.ofHost("10.0.1.1")))
    })
  )

  it.effect("notices that it has dialled itself, and does so once", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const own = at("10.0.0.1")
      const a = yield* lab.start("10.0.0.1", { listen: own, peers: { _tag: "Fixed", endpoints: [own] } })
      yield* elapse(3_600_000)
      assert.strictEqual(lab.network.dials, 1)
      assert.lengthOf(a.connections(), 0)
    })
  )

  it.effect("keeps one of two connections that cross, the same at both ends", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const hosts = ["10.0.0.1", "10.0.0.2"] as const
      const [a, b] = yield* Effect.forEach(
        hosts,
        (host, n) => lab.start(host, { listen: at(host) }, [at(hosts[1 - n]!)]),
        { concurrency: 2 }
      )
      yield* elapse(5_000)
      assert.lengthOf(connected(a!), 1)
      assert.lengthOf(connected(b!), 1)
      assert.notStrictEqual(connected(a!)[0]!.kind, connected(b!)[0]!.kind)
    })
  )

  it.effect("dials the nodes of a list and nobody else, again and again", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      lab.names.set("seed.example", ["10.0.1.7"])
      const elsewhere = yield* lab.play("10.0.1.7")
      const peer = yield* lab.play("10.0.1.1", { hangsUp: true })
      const peers = { _tag: "Fixed", endpoints: [at("10.0.1.1")] } as const
      yield* lab.start("10.0.0.1", { peers, seeds: ["seed.example"] }, [at("10.0.1.7")])
      yield* elapse(3_600_000)
      assert.strictEqual(elsewhere.accepted(), 0)
      assert.isAbove(peer.accepted(), 12)
      assert.isBelow(peer.accepted(), 30)
    })
  )

  it.effect("finds nodes by the names of seeds, and bears one without addresses", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      lab.names.set("seed.example", ["10.0.1.1", "10.0.1.2"])
      yield* lab.play("10.0.1.1")
      yield* lab.play("10.0.1.2")
      const a = yield* lab.start("10.0.0.1", { seeds: ["gone.example", "seed.example"] })
      yield* elapse(1_000)
      assert.lengthOf(connected(a), 2)
      assert.deepInclude(
        a.events.find(({ _tag }) => _tag === "Discovered"),
        { fresh: 2, failed: ["gone.example"] }
      )
    })
  )

  it.effect("learns of others from those that it has dialled, once each, and dials them", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const told = (...hosts: ReadonlyArray<string>) =>
        ["addr", addr.encode(hosts.map((host) => ({ time: 0, services: 1n, host, port: net.port })))] as const
      const nowhere = { time: 0, services: 1n, host: "0.0.0.0", port: net.port }
      yield* lab.play("10.0.1.2")
      yield* lab.play("10.0.1.1", {
        answers: {
          // Of itself; the answer, with an address that is none and one of a node without blocks; and once more.
          sendheaders: [told("10.0.1.1")],
          getaddr: [["addr", addr.encode([nowhere, { ...nowhere, host: "10.0.1.7", services: 0n }])], told("10.0.1.9")]
        }
      })
      const a = yield* lab.start("10.0.0.1", {}, [at("10.0.1.1")])
      yield* elapse(1_000)
      assert.deepStrictEqual(yield* a.store.count(net.name), { Valid: 1, Unknown: 0, Inaccessible: 0, Banned: 0 })
      yield* lab.play("10.0.1.3", { answers: { getaddr: [told("10.0.1.2", "2001:db8:0:0:0:0:0:1")] } })
      yield* a.call(at("10.0.1.3"))
      yield* elapse(1_000)
      assert.sameMembers(
        connected(a).map(({ remote }) => remote.split(":")[0]!),
        ["10.0.1.1", "10.0.1.2", "10.0.1.3"]
      )
      assert.isDefined(yield* a.store.find(net.name, at("2001:db8:0:0:0:0:0:1")))
    })
  )

  it.effect("tells one that has dialled it once whom it knows", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      yield* lab.play("10.0.1.1")
      const b = yield* lab.start("10.0.0.2", { listen: at("10.0.0.2") }, [at("10.0.1.1")])
      yield* elapse(1_000)
      const a = yield* lab.start("10.0.0.1", {}, [at("10.0.0.2")])
      yield* elapse(1_000)
      assert.lengthOf(connected(b), 2)
      assert.isDefined(yield* a.store.find(net.name, at("10.0.1.1")))
      const guest = yield* lab.guest("10.0.0.3", at("10.0.0.2"))
      yield* guest.say("getaddr")
      yield* guest.say("getaddr")
      assert.lengthOf(guest.heard("addr"), 1)
    })
  )

  it.effect("goes on where it cannot listen, and listens once it can", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const scope = yield* Scope.make()
      yield* Scope.provide(lab.network.transport("10.0.0.1").listen(at("10.0.0.1")), scope)
      const a = yield* lab.start("10.0.0.1", { listen: at("10.0.0.1") })
      assert.include(tags(a.events), "ListenFailed")
      assert.isUndefined(a.listening())
      yield* Scope.close(scope, Exit.void)
      yield* elapse(30_000)
      assert.deepStrictEqual(a.listening(), at("10.0.0.1"))
    })
  )

  it.effect("listens elsewhere when it is told to, and cuts nobody", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const b = yield* lab.start("10.0.0.2", { listen: at("10.0.0.2") })
      yield* lab.start("10.0.0.1", {}, [at("10.0.0.2")])
      yield* elapse(100)
      yield* b.update({ ...b.config(), listen: at("10.0.0.2", 9_999) })
      yield* elapse(100)
      assert.deepStrictEqual(b.listening(), at("10.0.0.2", 9_999))
      assert.lengthOf(connected(b), 1)
      assert.strictEqual(lab.network.ports, 1)
    })
  )

  it.effect("refuses figures that contradict each other, and stays as it was", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const a = yield* lab.start("10.0.0.1")
      const before = a.config()
      const wrong = yield* Effect.flip(a.update({ ...before, pool: { ...before.pool, target: 9, most: 8 } }))
      assert.strictEqual(
        wrong.message,
        "the Bitcoin configuration cannot be: 8 connections at the most are fewer than the target, 9"
      )
      assert.strictEqual(a.config(), before)
    })
  )

  it.effect("carries messages both ways", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const b = yield* lab.start("10.0.0.2", { listen: at("10.0.0.2") })
      const a = yield* lab.start("10.0.0.1", {}, [at("10.0.0.2")])
      yield* elapse(100)
      const reading = yield* Effect.forkChild(Stream.runHead(b.messages), { startImmediately: true })
      yield* settle
      assert.isTrue(yield* a.send(connected(a)[0]!.id, "inv", new Uint8Array([0])))
      yield* settle
      const message = yield* Fiber.join(reading)
      assert.deepInclude(message._tag === "Some" ? message.value : {}, { command: "inv", missed: 0 })
      assert.isFalse(yield* a.send(99, "inv", new Uint8Array([0])))
    })
  )

  it.effect("closes all connections when it stops", () =>
    Effect.gen(function* () {
      const lab = new NetworkLab()
      const b = yield* lab.start("10.0.0.2", { listen: at("10.0.0.2") })
      const a = yield* lab.start("10.0.0.1", {}, [at("10.0.0.2")])
      yield* elapse(100)
      yield* Scope.close(a.scope, Exit.void)
      yield* elapse(2_000)
      assert.lengthOf(connected(b), 0)
      assert.lengthOf(lab.network.links, 0)
    })
  )
})
