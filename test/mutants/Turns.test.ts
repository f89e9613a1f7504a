import { assert, describe, it } from "@effect/vitest"
import { turns } from "./Turns.ts"

/** Why it rejects. */
const failure = (printed: Promise<string>): Promise<string> => printed.then(() => "it has not failed", String)

describe("planted bugs that take turns in one process", () => {
  it("say of the one that the process did not survive why, and of those after it that they were not run", async () => {
    const printed = turns("limit.ts", ["no-grace", "no-such-bug", "too-late", "never"])
    assert.include(JSON.parse(await printed("no-grace")), { seeds: 1 })
    assert.include(await failure(printed("no-such-bug")), 'MUTANT is "no-such-bug"')
    const late = turns("limit.ts", ["no-such-bug", "no-grace"], ["no-such-bug"])
    assert.isString(await late("no-grace"))
    assert.include(await failure(printed("too-late")), 'MUTANT is "too-late"')
    assert.include(await failure(printed("never")), "the process ended before never")
  })
})
