/**
 * A peer is away while tens of thousands of messages pile up for it, and comes back: real processes, each on its own
 * PostgreSQL server. `npm run test:soak -- --only backlog` does it with 100,000, and its figures of time mean something on
 * a machine that does nothing else.
 */
import { assert, describe, it } from "@effect/vitest"
import { faults, run } from "../support/crashing/Backlog.ts"

/** What no busy machine reaches, in microseconds, and a peer that waits for another one's backlog does. */
const stuck = 10_000_000

describe("a backlog for a peer that is away", { timeout: 1_800_000 }, () => {
  it("costs its sender no memory, drains in bounded batches, each message once, and holds no other peer up", async () => {
    const options = { messages: 20_000, each: 1_000, bytes: 1_024, probes: 200, everyMillis: 20 }
    const figures = await run({ ...options, progress: console.log })
    console.log("backlog:", JSON.stringify(figures, null, 2))
    assert.deepStrictEqual(faults(figures, options), [])
    for (const [phase, { p99 }] of Object.entries(figures.latency)) assert.isBelow(p99, stuck, `a live peer, ${phase}`)
  })
})
