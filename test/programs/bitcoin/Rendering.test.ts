import { assert, describe, it } from "@effect/vitest"
import * as PeerView from "../../../src/programs/bitcoin/PeerView.ts"
import * as PingReport from "../../../src/programs/bitcoin/PingReport.ts"
import * as Progress from "../../../src/programs/bitcoin/Progress.ts"
import * as Claims from "../../../src/programs/cli/Claims.ts"
import { ProgressLine } from "../../../src/programs/cli/ProgressLine.ts"
import * as Reach from "../../../src/programs/bitcoin/Reach.ts"
import { nobodyFound, unreached } from "../../../src/programs/bitcoin/Unreached.ts"
import type { PeerEvent } from "../../../src/services/bitcoin/PeerEvent.ts"

const here = "10.0.0.1:8333"
const changed = (
  from: Extract<PeerEvent, { readonly _tag: "Changed" }>["from"],
  to: Extract<PeerEvent, { readonly _tag: "Changed" }>["to"],
  remote = here,
  detail?: string
): PeerEvent => ({
  _tag: "Changed",
  id: 1,
  remote,
  kind: "Outbound",
  from,
  to,
  ...(detail === undefined ? {} : { detail })
})

describe("the median", () => {
  it("is the middle one, or between the two that are", () => {
    assert.strictEqual(PingReport.median([9, 1, 5]), 5)
    assert.strictEqual(PingReport.median([9, 1, 5, 6]), 5.5)
    assert.strictEqual(PingReport.median([3]), 3)
    assert.isNaN(PingReport.median([]))
  })
})

describe("pings", () => {
  it("are summed up, with figures only where something was answered", () => {
    const some = PingReport.summary(here, 3, [2, 1.23456])
    assert.deepStrictEqual(some, {
      _tag: "Summary",
      remote: here,
      sent: 3,
      answered: 2,
      minMillis: 1.235,
      medianMillis: 1.617,
      maxMillis: 2
    })
    assert.strictEqual(PingReport.text(some), `${here} answered 2 of 3: min 1.2ms, median 1.6ms, max 2.0ms`)
    assert.strictEqual(PingReport.text(PingReport.summary(here, 1, [])), `${here} answered 0 of 1`)
  })

  it("name services by their bits", () => {
    assert.strictEqual(PeerView.services("0x0"), "0x0")
    assert.strictEqual(PeerView.services("0x25"), "0x25 (network, bloom, bitcoin-cash)")
  })
})

describe("progress", () => {
  const claims = Claims.of([1_000, 900, 5])
  const after = (looks: ReadonlyArray<readonly [number, number]>) =>
    looks.reduce((progress, [at, height]) => Progress.look(progress, at, height), Progress.start(0, 0))

  it("goes by the greatest height that is named, and the median of all", () => {
    assert.deepStrictEqual(claims, { greatest: 1_000, median: 900 })
    assert.deepStrictEqual(Claims.of([7, 3]), { greatest: 7, median: 3 })
    assert.deepStrictEqual(Claims.of([-1]), { greatest: 0, median: 0 })
    assert.deepStrictEqual(Claims.of([]), { greatest: 0, median: 0 })
  })

  it("has a rate, a part and an estimate", () => {
    const state = Progress.state(
      after([
        [1_000, 100],
        [2_000, 200]
      ]),
      claims,
      3
    )
    assert.deepStrictEqual(state, { height: 200, goal: 1_000, percent: 20, rate: 100, leftSeconds: 8, peers: 3 })
    assert.strictEqual(Progress.line(state), "headers 200 of 1000 (20.0%), 100 a second, 8s left, 3 peers")
  })

  it("forgets what was longer ago than its window", () => {
    const progress = after([
      [1_000, 1_000],
      [11_000, 1_000],
      [12_000, 1_500]
    ])
    assert.strictEqual(Progress.rate(progress), 500)
    assert.strictEqual(progress.changedAt, 12_000)
    assert.strictEqual(Progress.look(progress, 13_000, 1_500).changedAt, 12_000)
  })

  it("keeps no more looks than it must, however often it looks", () => {
    const many = after(Array.from({ length: 5_000 }, (_, at) => [at, at] as const))
    assert.isAtMost(many.looks.length, 200)
    assert.strictEqual(Math.round(Progress.rate(many)), 1_000)
  })

  it("is never done before it is, and knows no goal before anybody has named one", () => {
    assert.strictEqual(Progress.state(after([[1, 99_999]]), Claims.of([100_000]), 1).percent, 99.9)
    assert.strictEqual(Progress.state(after([[1, 5]]), Claims.of([3]), 1).percent, 100)
    const alone = Progress.state(after([]), Claims.of([]), 0)
    assert.deepStrictEqual(alone, { height: 0, rate: 0, peers: 0 })
    assert.strictEqual(Progress.line(alone), "headers 0, connecting")
  })

  it("is drawn four times a second on a terminal, and written every two seconds elsewhere, if it has changed", () => {
    const shown = (isTTY: boolean) => {
      const writes: Array<string> = []
      const line = new ProgressLine<number>({ isTTY, columns: 80, write: (text) => writes.push(text) }, String)
      for (let now = 0; now < 4_000; now += 50) line.show(now < 3_000 ? now : 3_000, now)
      return writes
    }
    const drawn = shown(true)
    assert.strictEqual(drawn.length, 13)
    assert.isTrue(drawn.every((text) => text.startsWith("\r\u001b[2K") && !text.includes("\n")))
    assert.deepStrictEqual(shown(false), ["0\n", "2000\n"])
  })
})

describe("what came of the attempts", () => {
  const refused = changed("Connecting", "Failed", here, "refused")
  const hungUp = changed("AwaitingHandshake", "Failed", "10.0.0.2:8333", "closed")
  const unwanted = changed("AwaitingHandshake", "Rejected", here, "its agent is not wanted")
  const after = (...events: ReadonlyArray<PeerEvent>) => events.reduce(Reach.note, Reach.initial)

  it("is hopeless when each that was named was tried, and none was ever connected", () => {
    const reach = after(refused)
    assert.isTrue(Reach.isHopeless(reach, [here], 0))
    assert.isFalse(Reach.isHopeless(reach, [here, "10.0.0.2:8333"], 0))
    assert.isFalse(Reach.isHopeless(reach, [], 0))
    assert.isTrue(Reach.isHopeless(after(refused, hungUp), [here, "10.0.0.2:8333"], 0))
    assert.isFalse(Reach.isHopeless(after(changed("AwaitingHandshake", "Connected"), refused), [here], 0))
  })

  it("is hopeless when nobody is named, and the seeds have told of nobody", () => {
    const told = (fresh: number) => after({ _tag: "Discovered", fresh, failed: [] })
    assert.isTrue(Reach.isHopeless(told(0), [], 0))
    assert.isFalse(Reach.isHopeless(told(0), [], 1))
    assert.isFalse(Reach.isHopeless(told(1), [], 0))
    assert.isFalse(Reach.isHopeless(after(), [], 0))
  })

  it("says what may be wrong with who hangs up in the handshake", () => {
    assert.include(Reach.failureOf(hungUp)?.detail, "another network")
    assert.notInclude(Reach.failureOf(refused)?.detail, "another network")
    assert.isUndefined(Reach.failureOf(changed("Connecting", "AwaitingHandshake")))
  })

  it("remembers a hundred failures, the last of each", () => {
    const events = Array.from({ length: 300 }, (_, at) =>
      changed("Connecting", "Failed", `10.0.0.1:${at % 150}`, `${at}`)
    )
    const { failures } = after(...events)
    assert.strictEqual(failures.size, 100)
    assert.deepStrictEqual([...failures.values()].at(-1)?.detail, "299")
  })

  it("is an error of its own where nodes have refused", () => {
    const errorOf = (...events: ReadonlyArray<PeerEvent>) => unreached(after(...events).failures.values(), "nobody")
    assert.strictEqual(errorOf(unwanted)._tag, "BitcoinPeersRefused")
    assert.strictEqual(errorOf(unwanted, hungUp)._tag, "BitcoinPeersUnreached")
    assert.strictEqual(errorOf().message, "nobody")
    const many = Array.from({ length: 7 }, (_, at) => changed("Connecting", "Failed", `10.0.0.1:${at}`, "refused"))
    assert.match(errorOf(...many).message, /10\.0\.0\.1:4: refused \(and 2 more\)$/)
    const unknown = after({ _tag: "Discovered", fresh: 0, failed: ["seed.example.org"] })
    assert.include(nobodyFound("bsv-main", unknown), "seed.example.org")
  })
})
