import { assert, describe, it } from "@effect/vitest"
import * as Restarts from "../../../src/protocol/bitcoin/Restarts.ts"

const policy: Restarts.Policy = { ...Restarts.defaults, backoff: { baseMillis: 5_000, capMillis: 60_000 } }

const connected = (now: number): Restarts.Event => ({ _tag: "Connected", now })
const ended = (ending: Restarts.Ending, now = 0, direction: "inbound" | "outbound" = "outbound"): Restarts.Event => ({
  _tag: "Ended",
  now,
  random: 0.5,
  direction,
  ending
})

const fates = (events: ReadonlyArray<Restarts.Event>) => {
  let state = Restarts.initial
  const all = events.flatMap((event) => {
    const step = Restarts.step(policy, state, event)
    state = step.state
    return step.fate === undefined ? [] : [step.fate]
  })
  return { all, tags: all.map(({ _tag }) => _tag), state }
}

describe("a Bitcoin peer whose connection has ended", () => {
  it("is dialled again at once three times in a minute, and is inaccessible then", () => {
    const course = [0, 10_000, 20_000, 30_000].flatMap((at) => [connected(at), ended("lost", at + 1_000)])
    assert.deepStrictEqual(fates(course).tags, ["Restart", "Restart", "Restart", "Inaccessible"])
  })

  it("is counted although every dial succeeded: one that accepts and hangs up is not dialled for ever", () => {
    const course = [0, 1, 2, 3].flatMap((at) => [connected(at), ended("lost", at)])
    assert.strictEqual(fates(course).tags.at(-1), "Inaccessible")
  })

  it("is forgiven what was longer ago than the window", () => {
    const course = Array.from({ length: 20 }, (_, n) => [connected(n * 21_000), ended("lost", n * 21_000 + 1)]).flat()
    assert.isTrue(fates(course).tags.every((tag) => tag === "Restart"))
  })

  it("is forgiven everything after a connection that was well", () => {
    const bad = [0, 1, 2].flatMap((at) => [connected(at), ended("lost", at)])
    const well = [connected(10), ended("lost", 10 + policy.healthyMillis)]
    const { state, tags } = fates([...bad, ...well])
    assert.strictEqual(tags.at(-1), "Restart")
    assert.lengthOf(state.restarted, 1)
    const short = [connected(10), ended("lost", 9 + policy.healthyMillis)]
    assert.strictEqual(
      fates([connected(50), ...[51, 52, 53].map((at) => ended("lost", at)), ...short]).tags.at(-1),
      "Inaccessible"
    )
  })

  it("is dialled ten times with growing waits where nobody answers", () => {
    const { all, tags } = fates(Array.from({ length: 10 }, () => ended("unreachable")))
    const waits = all.flatMap((fate) => (fate._tag === "Retry" ? [fate.waitMillis] : []))
    assert.deepStrictEqual(waits, [2_500, 5_000, 10_000, 20_000, 30_000, 30_000, 30_000, 30_000, 30_000])
    assert.strictEqual(tags.at(-1), "Inaccessible")
  })

  it("has its failures forgotten once it answers", () => {
    const failing = Array.from({ length: 9 }, () => ended("unreachable"))
    assert.strictEqual(fates([...failing, connected(1), ended("lost", 2), ended("unreachable")]).tags.at(-1), "Retry")
  })

  const inaccessible: ReadonlyArray<Restarts.Ending> = ["handshake", "silent", "unsuitable"]
  it.each(inaccessible)("is inaccessible at once: %s", (ending) => {
    assert.deepStrictEqual(fates([ended(ending)]).tags, ["Inaccessible"])
  })

  it.each(["network", "agent", "misbehaved"] as const)("is banned, whoever dialled: %s", (reason) => {
    for (const direction of ["inbound", "outbound"] as const) {
      assert.deepStrictEqual(fates([ended(reason, 0, direction)]).all, [{ _tag: "Banned", reason }])
    }
  })

  it.each(["self", "closed"] as const)("is left alone: %s", (ending) => {
    assert.deepStrictEqual(fates([ended(ending)]).tags, ["Leave"])
  })

  it("is never dialled that has dialled this node", () => {
    for (const ending of ["lost", "unreachable", "handshake", "silent"] as const) {
      assert.deepStrictEqual(fates([connected(0), ended(ending, 1, "inbound")]).tags, ["Leave"])
    }
  })

  it("keeps no more than the restarts that may be", () => {
    const course = Array.from({ length: 1_000 }, (_, n) => [connected(n * 7), ended("lost", n * 7 + 1)]).flat()
    assert.isAtMost(fates(course).state.restarted.length, policy.restarts)
  })
})
