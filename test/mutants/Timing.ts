/**
 * Bugs in durable timers: what is removed when, who may run what, and when somebody looks.
 */
import type { Mutant } from "./Mutant.ts"

const runner = "src/services/delivery/TimerRunner.ts"
const service = "src/services/delivery/Timers.ts"

const bugs: ReadonlyArray<Omit<Mutant, "scenario">> = [
  {
    name: "timer-removed-first",
    what: "A timer is removed in a transaction of its own, before that of its effect.",
    file: runner,
    find: `transactions.within(Effect.flatMap(store.finish`,
    replace: `Effect.suspend(() => Effect.flatMap(store.finish`,
    property: "every timer takes effect",
    also: ["a timer takes effect once"],
    profile: "calm"
  },
  {
    name: "timer-removed-afterwards",
    what: "A timer is removed after the transaction of its effect.",
    file: runner,
    find: `Effect.flatMap(store.finish(timer.id, holder), (own) => (own ? handle(timer) : Effect.void))`,
    replace: `Effect.andThen(transactions.afterCommit(Effect.ignore(store.finish(timer.id, holder))), handle(timer))`,
    property: "a timer takes effect once",
    profile: "crash"
  },
  {
    name: "timer-of-nobody",
    what: "Who has claimed a timer runs it, though it was set anew since.",
    file: "src/layers/TimerStoreMemory.ts",
    find: `const own = row !== undefined && row.holder === holder`,
    replace: `const own = row !== undefined`,
    property: "a timer takes effect once",
    profile: "slow"
  },
  {
    name: "timer-cancelled-afterwards",
    what: "A timer is taken back after the transaction that takes it back.",
    file: service,
    find: `(id: string) => store.cancel(id)`,
    replace: `(id: string) => Effect.tap(Effect.map(store.list(9_999), (all) => all.some((one) => one.id === id)), () => transactions.afterCommit(Effect.ignore(store.cancel(id))))`,
    property: "a timer takes effect once",
    profile: "calm"
  },
  {
    name: "timer-early",
    what: "With what is due, that is claimed which will be within half a second.",
    file: runner,
    find: `now: watch.now(), limit`,
    replace: `now: { wall: watch.now().wall + 500, steady: watch.now().steady + 500 }, limit`,
    property: "a timer keeps its time",
    profile: "calm"
  },
  {
    name: "timer-wake-lost",
    what: "A commit does not wake who runs timers.",
    file: service,
    find: `yield* transactions.afterCommit(woken)`,
    replace: `void woken`,
    property: "a timer is prompt",
    profile: "calm"
  },
  {
    name: "timer-given-up",
    what: "A timer that has failed twice is given up.",
    file: runner,
    find: `Effect.tap(store.fail(`,
    replace: `Effect.tap(attempts > 1 ? store.finish(timer.id, holder) : store.fail(`,
    property: "every timer takes effect",
    profile: "calm"
  }
]

export const timing: ReadonlyArray<Mutant> = bugs.map((bug) => ({ ...bug, scenario: "timers" }))
