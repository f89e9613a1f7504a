import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { check } from "../../src/services/NodeOptions.ts"

const named = (...names: ReadonlyArray<string>) => ({ protocols: names.map((name) => ({ name })) })

describe("the options of a node", () => {
  it.effect("are fine without a name, and with names that fit a HELLO", () =>
    Effect.gen(function* () {
      yield* check(named())
      yield* check({ ...named("a", "b"), network: "x".repeat(64), agent: "holdfast" })
    })
  )

  it.effect("are refused where no session could come of them", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 41 }, (_, index) => `p${index}`)
      for (const [options, word] of [
        [named("chat", "chat"), "chat"],
        [named(...many), "41"],
        [{ ...named(), network: "" }, "network"],
        [{ ...named(), agent: "x".repeat(65) }, "agent"]
      ] as const) {
        const error = yield* Effect.flip(check(options))
        assert.include(error.message, word)
      }
    })
  )
})
