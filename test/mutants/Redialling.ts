/**
 * Bugs in when a peer is dialled again.
 */
import type { Mutant } from "./Mutant.ts"

const redial = "src/protocol/link/Redial.ts"

export const redialling: ReadonlyArray<Mutant> = [
  {
    name: "no-jitter",
    what: "Every wait before a dial is the longest that is allowed.",
    file: "src/protocol/Backoff.ts",
    find: `Math.floor(random * bound)`,
    replace: `Math.floor(bound)`,
    property: "dials are spread",
    profile: "crash"
  },
  {
    name: "back-off-never-grows",
    what: "Waits do not grow with the failures.",
    file: redial,
    find: `Math.min(near, Backoff.ceiling(policy, state.failures))`,
    replace: `Math.min(near, Backoff.ceiling(policy, 0))`,
    property: "back-off is kept",
    also: ["dials are spread"],
    profile: "crash"
  },
  {
    name: "back-off-never-reset",
    what: "Failures are not forgotten after a stable session.",
    file: redial,
    find: `? parted(policy, event.random, event.outage === true)`,
    replace: `? { ...parted(policy, event.random, event.outage === true), state: { ...initial, failures: state.failures } }`,
    property: "back-off is kept",
    profile: "network"
  },
  {
    name: "breaker-never-closes",
    what: "A breaker that has opened lets no dial through any more.",
    file: redial,
    find: `Math.min(policy.maxOpenMillis, policy.openMillis * 2 ** Math.min(state.opened, 20))`,
    replace: `Number.POSITIVE_INFINITY`,
    property: "everyone is connected",
    profile: "network"
  },
  {
    name: "breaker-never-opens",
    what: "However many sessions with a peer come to nothing, it is dialled again as after any failure.",
    file: redial,
    find: `recent(policy, state, now).length > policy.starts`,
    replace: `recent(policy, state, now).length > Number.POSITIVE_INFINITY`,
    property: "a flapping peer is left alone",
    profile: "network"
  },
  {
    name: "announced-return-ignored",
    what: "A peer that has said when it will be back is dialled before.",
    file: redial,
    find: `Math.min(maxRetryMillis, millis)`,
    replace: `Math.min(0, millis)`,
    property: "an announced return is awaited",
    profile: "crash"
  },
  {
    name: "dials-without-rate",
    what: "A node dials as often in a second as there is cause.",
    file: "src/services/link/DialLimits.ts",
    find: `if (wait > 0) yield* Effect.sleep(wait)`,
    replace: `if (wait > 1e9) yield* Effect.sleep(wait)`,
    property: "dials keep their rate",
    profile: "all-faults"
  }
]
