/**
 * A Bitcoin manager among scripted nodes of five families, one of which misbehaves, under everything that a swarm draws.
 */
import { assert, describe, it } from "@effect/vitest"
import { bitcoin } from "../../src/testing/bitcoin/BitcoinScenario.ts"
import { check } from "../../src/testing/campaign/Check.ts"
import { worlds } from "../support/worlds/Worlds.ts"

describe("a Bitcoin manager keeps to its limits, bans nobody that behaves, and has everybody back", () => {
  const swarm = worlds(40)

  it(`in ${swarm} worlds of the swarm`, async () => {
    const { figures } = await check(bitcoin, { seeds: swarm })
    assert.isAbove(figures["fault: Kill"] ?? 0, 10)
    assert.isAbove(figures["fault: Partition"] ?? 0, 5)
    assert.isUndefined(figures["users who failed"])
  })

  it("where the network fails, processes die and clocks are wrong, twice to the same end", async () => {
    for (const profile of ["network", "crash", "clock", "calm"] as const)
      await check(bitcoin, { seeds: 6, from: 1_000, profile, twice: true })
  })
})
