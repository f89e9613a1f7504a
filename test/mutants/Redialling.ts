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
    find: `Math.floor(random * ceiling(policy, failures))`,
    replace: `Math.floor(ceiling(policy, failures))`,
    property: "dials are spread",
    profile: "crash"
  },
  {
    name: "back-off-never-grows",
    what: "Waits do not grow with the failures.",
    file: redial,
    find: `waitMillis: Backoff.delay(policy, state.failures, random)`,
    replace: `waitMillis: Backoff.delay(policy, 0, random)`,
    property: "back-off is kept",
    also: ["dials are spread"],
    profile: "crash"
  },
  {
    name: "back-off-never-reset",
    what: "Failures are not forgotten after a stable session.",
    file: redial,
    find: `? { state: initial, waitMillis`,
    replace: `? { state: { ...initial, failures: state.failures }, waitMillis`,
    property: "back-off is kept",
    profile: "network"
  },
  {
    name: "breaker-never-closes",
    what: "A breaker that has opened lets no dial through any more.",
    file: redial,
    find: `waitMillis: Math.min(policy.maxOpenMillis, policy.openMillis * 2 ** Math.min(state.opened, 20))`,
    replace: `waitMillis: Number.POSITIVE_INFINITY`,
    property: "everyone is connected",
    profile: "network"
  }
]
