import { assert, describe, it } from "@effect/vitest"
import type { Announcement } from "../../../src/protocol/gossip/Announcement.ts"
import * as Machine from "../../../src/protocol/gossip/Announcements.ts"
import { announcement, bodyOf, epoch, hostOf, keyOf, network, signerOf, verify } from "../../support/GossipModel.ts"
import { seeded } from "../../support/Malformed.ts"

const { Announcements, defaults } = Machine
const self = keyOf(1)
const own = { host: hostOf(1), port: 4_000, signer: signerOf(self) }
const minute = 60_000

/** A machine with a clock, and a session with the peer 2. */
class Bench {
  now = 0
  /** How far the wall clock is ahead of the other one. */
  wall = epoch
  readonly machine: InstanceType<typeof Announcements>
  readonly session: number

  constructor(limits: Partial<Machine.Limits> = {}, options: Partial<Machine.Options> = {}) {
    const all = { ...defaults, ...limits }
    this.machine = new Announcements({ self, network, own, limits: all, verify, ...options })
    this.session = this.machine.join(keyOf(2), "private", 0)
  }

  get at() {
    return { now: this.now, wall: this.wall + this.now }
  }

  hear(...records: ReadonlyArray<Announcement>): string | undefined {
    return this.hearFrom(this.session, ...records)
  }

  hearFrom(session: number, ...records: ReadonlyArray<Announcement>): string | undefined {
    return this.machine.receive(session, bodyOf(...records), this.at)
  }

  /** What is said now, to whom. */
  said(): ReadonlyArray<readonly [to: ReadonlyArray<number>, keys: ReadonlyArray<string>]> {
    return this.machine.flush(this.at).batches.map(({ records, to }) => [to, records.map(({ key }) => key)] as const)
  }

  knows(number: number): Announcement | undefined {
    return this.machine.known.find(({ key }) => key === keyOf(number))
  }

  /** How often each outcome has come, but for those that have not. */
  get counts() {
    return Object.fromEntries(Object.entries(this.machine.counts).filter(([, count]) => count > 0))
  }
}

describe("an announcement that comes in", () => {
  it("is taken up if it is newer, whatever the order, and learned each time it is news", () => {
    const bench = new Bench()
    const issue = (n: number) => announcement(9, { issuedMillis: epoch + n, host: hostOf(20 + n) })
    const [old, late, latest] = [issue(0), issue(1), issue(2)]
    assert.isUndefined(bench.hear(late, old, late, latest))
    assert.deepStrictEqual(bench.knows(9), latest)
    assert.deepStrictEqual(bench.counts, { new: 1, newer: 1, known: 1, older: 1 })
    // The second came so soon that it is news only later.
    assert.deepStrictEqual(bench.machine.takeLearned(), [late])
    assert.deepStrictEqual(bench.machine.takeLearned(), [])
    bench.now = defaults.repeatMillis
    bench.machine.flush(bench.at)
    assert.deepStrictEqual(bench.machine.takeLearned(), [latest])
  })

  it("is a violation if another has signed it, or nobody", () => {
    const forged = { ...announcement(9), key: keyOf(8) }
    const bench = new Bench()
    assert.match(bench.hear(announcement(7), forged, announcement(6)) ?? "", /is not signed by it/)
    assert.deepStrictEqual([bench.knows(7)?.key, bench.knows(8), bench.knows(6)], [keyOf(7), undefined, undefined])
    assert.match(bench.hear({ ...announcement(9), host: hostOf(10) }) ?? "", /is not signed by it/)
    assert.match(new Bench({}, { network: "other" }).hear(announcement(9)) ?? "", /is not signed by it/)
  })

  it("is a violation if it is no such body", () => {
    const bench = new Bench()
    assert.match(bench.machine.receive(bench.session, Uint8Array.from([1, 2, 3]), bench.at) ?? "", /is not readable/)
    assert.deepStrictEqual(bench.counts, {})
  })

  it("is not taken up from the future, nor after its end, and is no violation: clocks differ", () => {
    const bench = new Bench()
    const { skewMillis } = defaults
    bench.now = 10 * minute
    const at = epoch + bench.now
    assert.isUndefined(
      bench.hear(
        announcement(5, { issuedMillis: at + skewMillis }),
        announcement(6, { issuedMillis: at + skewMillis + 1 }),
        announcement(7, { issuedMillis: at - 1_000, lifeMillis: 1_001 }),
        announcement(8, { issuedMillis: at - 1_000, lifeMillis: 1_000 })
      )
    )
    assert.deepStrictEqual(
      [5, 6, 7, 8].map((n) => bench.knows(n) !== undefined),
      [true, false, true, false]
    )
    assert.deepStrictEqual(bench.counts, { new: 2, future: 1, expired: 1 })
  })

  it("is not taken up where nobody may be sent to on a peer's word", () => {
    const hosts: Record<string, Partial<Announcement>> = {
      loopback: { host: "127.0.0.1" },
      private: { host: "192.168.1.1" },
      public: { host: "1.1.1.1" },
      public6: { host: "2600::1" },
      metadata: { host: "169.254.169.254" },
      spelled: { host: "127.1" },
      name: { host: "node.example.org" },
      mail: { host: "1.1.1.1", port: 25 }
    }
    const taken = (reach: "loopback" | "private" | "public", limits: Partial<Machine.Limits> = {}) => {
      const bench = new Bench(limits)
      const session = bench.machine.join(keyOf(3), reach, 0)
      return Object.keys(hosts).filter((name, index) => {
        assert.isUndefined(bench.hearFrom(session, announcement(10 + index, hosts[name])))
        return bench.knows(10 + index) !== undefined
      })
    }
    assert.deepStrictEqual(taken("public"), ["public", "public6"])
    assert.deepStrictEqual(taken("private"), ["private", "public", "public6"])
    assert.deepStrictEqual(taken("loopback"), ["loopback", "private", "public", "public6"])
    assert.deepStrictEqual(taken("loopback", { narrowest: "public" }), ["public", "public6"])
    assert.deepStrictEqual(taken("public", { names: true }), ["public", "public6", "name"])
  })

  it("comes so fast and no faster: frames beyond the rate are thrown away, and far beyond it a violation", () => {
    const bench = new Bench({ frames: { burst: 3, perSecond: 1 }, patience: 4 })
    const sent = (number: number) => bench.hear(announcement(number))
    for (let number = 10; number < 17; number++) assert.isUndefined(sent(number))
    assert.strictEqual(bench.machine.dropped, 4)
    assert.deepStrictEqual(bench.counts, { new: 3 })
    assert.match(sent(17) ?? "", /beyond 1 a second/)
    // A new session of the same peer does not forgive it.
    bench.machine.leave(bench.session)
    const again = bench.machine.join(keyOf(2), "private", 0)
    assert.match(bench.hearFrom(again, announcement(18)) ?? "", /beyond 1 a second/)
    bench.now = 5_000
    assert.isUndefined(bench.hearFrom(again, announcement(19)))
    assert.deepStrictEqual(bench.counts, { new: 4 })
  })

  it("is taken up within the share of its peer, and from others beyond it", () => {
    const bench = new Bench({ nodes: 10, nodesPerPeer: 4 })
    bench.hear(...[11, 12, 13, 14, 15].map((number) => announcement(number)))
    assert.deepStrictEqual(bench.counts, { new: 4, full: 1 })
    const third = bench.machine.join(keyOf(3), "private", 0)
    bench.hearFrom(third, announcement(15))
    // Whoever is known may change: a share that is full does not stop renewals.
    bench.hear(announcement(11, { issuedMillis: epoch + 1 }))
    assert.deepStrictEqual(bench.counts, { new: 5, newer: 1, full: 1 })
  })

  it("pushes out the latest of who has told the most when all is full, which does not come back", () => {
    const bench = new Bench({ nodes: 6, nodesPerPeer: 5 })
    bench.hear(...[11, 12, 13, 14, 15].map((number) => announcement(number)))
    const third = bench.machine.join(keyOf(3), "private", 0)
    bench.hearFrom(third, announcement(21), announcement(22), announcement(23), announcement(24))
    const known = () => bench.machine.known.map(({ key }) => Number.parseInt(key, 16)).sort((a, b) => a - b)
    assert.deepStrictEqual(known(), [11, 12, 13, 21, 22, 23])
    assert.deepStrictEqual(bench.counts, { new: 8, full: 1 })
    const fourth = bench.machine.join(keyOf(4), "private", 0)
    bench.hearFrom(fourth, announcement(15))
    assert.deepStrictEqual(known(), [11, 12, 13, 21, 22, 23])
    assert.strictEqual(bench.counts["older"], 1)
    bench.hearFrom(fourth, announcement(15, { issuedMillis: epoch + 1 }))
    assert.deepStrictEqual(known(), [11, 12, 15, 21, 22, 23])
  })

  it("is one of few at its host, except at this machine", () => {
    const bench = new Bench({ nodesPerHost: 3 })
    const session = bench.machine.join(keyOf(3), "loopback", 0)
    const at = (host: string, first: number) => [0, 1, 2, 3].map((n) => announcement(first + n, { host }))
    bench.hearFrom(session, ...at("1.1.1.1", 10), ...at("2600::1", 20), ...at("127.0.0.1", 30))
    assert.deepStrictEqual(bench.counts, { new: 10, crowded: 2 })
    // Somebody moves away, and there is room for another one; nobody may move in beyond the limit.
    bench.hearFrom(session, announcement(10, { issuedMillis: epoch + 1 }), announcement(13, { host: "1.1.1.1" }))
    bench.hearFrom(session, announcement(30, { issuedMillis: epoch + 1, host: "1.1.1.1" }))
    assert.deepStrictEqual(bench.counts, { new: 11, newer: 1, crowded: 3 })
    assert.strictEqual(bench.knows(30)?.host, "127.0.0.1")
  })
})

describe("what is told", () => {
  it("is the own announcement and everything known, to whoever comes, 32 at a time, once a second", () => {
    const bench = new Bench()
    bench.hear(...Array.from({ length: 32 }, (_, n) => announcement(100 + n)))
    bench.hear(...Array.from({ length: 32 }, (_, n) => announcement(200 + n)))
    const other = bench.machine.join(keyOf(3), "private", 0)
    const sizes: Array<ReadonlyArray<readonly [ReadonlyArray<number>, number]>> = []
    for (let second = 0; second < 4; second++) {
      sizes.push(bench.said().map(([to, keys]) => [to, keys.length] as const))
      assert.deepStrictEqual(bench.said(), [])
      bench.now += 999
      assert.deepStrictEqual(bench.said(), [])
      bench.now += 1
    }
    // The first has told them all itself.
    assert.deepStrictEqual(sizes, [
      [
        [[bench.session], 1],
        [[other], 32]
      ],
      [[[other], 32]],
      [[[other], 1]],
      []
    ])
  })

  it("is told once to each session, and to none that has told it, even if that was second", () => {
    const bench = new Bench()
    const third = bench.machine.join(keyOf(3), "private", 0)
    const fourth = bench.machine.join(keyOf(4), "private", 0)
    bench.said()
    bench.now = 1_000
    bench.hear(announcement(9))
    bench.hearFrom(third, announcement(9))
    assert.deepStrictEqual(bench.said(), [[[fourth], [keyOf(9)]]])
    bench.now = 10_000
    assert.deepStrictEqual(bench.said(), [])
    // A new session may be that of a new process.
    bench.machine.leave(fourth)
    const again = bench.machine.join(keyOf(4), "private", bench.now)
    assert.deepStrictEqual(bench.said(), [[[again], [self, keyOf(9)]]])
  })

  it("goes to several sessions as the same", () => {
    const bench = new Bench()
    const others = [3, 4, 5].map((number) => bench.machine.join(keyOf(number), "private", 0))
    assert.deepStrictEqual(bench.said(), [[[bench.session, ...others], [self]]])
  })

  it("is nothing that is narrower than where the peer speaks from", () => {
    const bench = new Bench()
    const here = bench.machine.join(keyOf(3), "loopback", 0)
    const far = bench.machine.join(keyOf(4), "public", 0)
    bench.hearFrom(
      here,
      announcement(9, { host: "127.0.0.1" }),
      announcement(10),
      announcement(11, { host: "1.1.1.1" })
    )
    assert.deepStrictEqual(bench.said(), [
      [[bench.session], [keyOf(10), keyOf(11), self]],
      [[here], [self]],
      [[far], [keyOf(11)]]
    ])
  })

  it("is the latest of a node that changes all the time, once every five minutes", () => {
    const bench = new Bench()
    const other = bench.machine.join(keyOf(3), "private", 0)
    bench.said()
    const told: Array<number> = []
    for (let second = 1; second <= 1_200; second++) {
      bench.now = second * 1_000
      bench.hear(announcement(9, { issuedMillis: epoch + bench.now }))
      for (const { records, to } of bench.machine.flush(bench.at).batches) {
        if (to.includes(other)) told.push(...records.map(({ issuedMillis }) => issuedMillis - epoch))
      }
    }
    assert.deepStrictEqual(told, [1_000, 301_000, 601_000, 901_000])
  })

  it("is nothing that has ended by the wall clock, though time stood still", () => {
    const bench = new Bench()
    bench.hear(announcement(9))
    const other = bench.machine.join(keyOf(3), "private", 0)
    bench.wall += defaults.lifeMillis
    assert.deepStrictEqual(bench.said(), [[[bench.session, other], [self]]])
  })
})

describe("the own announcement", () => {
  const issued = (bench: Bench) => bench.knows(1)!.issuedMillis - epoch

  it("is renewed at half of its life, and says when to ask again", () => {
    const bench = new Bench()
    const times: Array<number> = []
    for (let turn = 0; turn < 4; turn++) {
      const { waitMillis } = bench.machine.flush(bench.at)
      times.push(issued(bench))
      bench.now += waitMillis
    }
    const half = defaults.lifeMillis / 2
    assert.deepStrictEqual(times, [0, half, 2 * half, 3 * half])
    assert.isTrue(verify(network, bench.knows(1)!))
  })

  it("is not made by a node that cannot be dialled, nor for where nobody may be sent to", () => {
    for (const host of [undefined, "0.0.0.0", "::", "169.254.1.1", "127.1"]) {
      const bench = new Bench({}, { own: host === undefined ? undefined : { ...own, host } })
      assert.deepStrictEqual(bench.said(), [])
      assert.deepStrictEqual(bench.machine.known, [])
      assert.strictEqual(bench.machine.flush(bench.at).waitMillis, Number.POSITIVE_INFINITY)
    }
  })

  it("goes beyond one of a former life that comes back, once a minute at the most", () => {
    const bench = new Bench()
    bench.said()
    const former = (ahead: number) => announcement(1, { issuedMillis: epoch + ahead, host: hostOf(77) })
    bench.hear(former(400_000))
    assert.deepStrictEqual([issued(bench), bench.counts], [0, { own: 1 }])
    assert.deepStrictEqual(bench.said(), [])
    assert.strictEqual(bench.machine.flush(bench.at).waitMillis, minute)
    bench.now = minute
    assert.deepStrictEqual(bench.said(), [[[bench.session], [self]]])
    assert.deepStrictEqual([issued(bench), bench.knows(1)?.host], [400_001, own.host])
    // A forged one is what anybody's forged one is.
    assert.match(bench.hear({ ...former(500_000), host: hostOf(78) }) ?? "", /is not signed by it/)
  })

  it("is renewed when its end has come by the wall clock, though time stood still", () => {
    const bench = new Bench()
    bench.said()
    bench.wall += defaults.lifeMillis
    assert.deepStrictEqual(bench.said(), [])
    assert.strictEqual(issued(bench), defaults.lifeMillis)
  })

  it("is not stuck in the future when the clock is set back", () => {
    const bench = new Bench()
    bench.wall = epoch + 86_400_000
    bench.said()
    bench.wall = epoch
    bench.now = defaults.lifeMillis / 2
    bench.said()
    assert.strictEqual(issued(bench), bench.now)
  })
})

describe("what is known", () => {
  it("is forgotten at its end, whatever becomes of the wall clock", () => {
    for (const setBack of [0, 86_400_000]) {
      const bench = new Bench()
      bench.hear(announcement(9, { lifeMillis: 3_600_000 }))
      bench.wall -= setBack
      bench.now = 3_599_999
      bench.said()
      assert.isDefined(bench.knows(9))
      bench.now++
      bench.said()
      assert.isUndefined(bench.knows(9))
    }
  })

  it("stays within its limits, its rates and its time, whatever anybody sends", () => {
    const random = seeded(11)
    const below = (limit: number) => Math.floor(random() * limit)
    const limits = { nodes: 30, nodesPerPeer: 12, nodesPerHost: 4, pushedOut: 10, patience: 1e9 }
    const bench = new Bench(limits)
    const sessions = new Map<number, { readonly peer: number; last: number }>([
      [bench.session, { peer: 2, last: Number.NEGATIVE_INFINITY }]
    ])
    for (let step = 0; step < 6_000; step++) {
      bench.now += below(2_000)
      bench.wall += step % 500 === 0 ? below(7_200_000) - 3_600_000 : 0
      const [session] = [...sessions.keys()].slice(below(sessions.size))
      const choice = below(20)
      if (choice === 0) {
        const peer = 2 + below(6)
        const id = bench.machine.join(keyOf(peer), (["loopback", "private", "public"] as const)[below(3)]!, bench.now)
        sessions.set(id, { peer, last: Number.NEGATIVE_INFINITY })
      } else if (choice === 1 && session !== undefined) {
        bench.machine.leave(session)
        sessions.delete(session)
      } else if (session !== undefined) {
        const records = Array.from({ length: 1 + below(24) }, () =>
          announcement(1 + below(80), {
            issuedMillis: Math.max(0, bench.at.wall + below(20_000_000) - 19_000_000),
            lifeMillis: 1 + below(86_400_000),
            host: [hostOf(below(40)), "127.0.0.1", "1.1.1.1", "0.0.0.0"][below(4)]!
          })
        )
        const again = bench.machine.known.filter(({ key }) => key !== self).slice(0, below(8))
        assert.isUndefined(bench.hearFrom(session, ...records, ...again))
      }
      for (const { records, to } of bench.machine.flush(bench.at).batches) {
        assert.isAtMost(records.length, 32)
        assert.strictEqual(new Set(records.map(({ key }) => key)).size, records.length)
        for (const { issuedMillis, lifeMillis } of records) assert.isAbove(issuedMillis + lifeMillis, bench.at.wall)
        for (const id of to) {
          assert.isTrue(sessions.has(id))
          assert.isAtLeast(bench.now - sessions.get(id)!.last, defaults.sendMillis)
          sessions.get(id)!.last = bench.now
        }
      }
      assert.isAtMost(bench.machine.known.length, limits.nodes + 1)
      const hosts = new Map<string, number>()
      for (const { host } of bench.machine.known) hosts.set(host, (hosts.get(host) ?? 0) + 1)
      for (const [host, count] of hosts) if (host !== "127.0.0.1") assert.isAtMost(count, limits.nodesPerHost + 1, host)
    }
    const never = Machine.outcomes.filter((outcome) => outcome !== "forged" && bench.machine.counts[outcome] === 0)
    assert.deepStrictEqual(never, [])
  })
})
