import { assert, describe, it } from "@effect/vitest"
import { Effect, References } from "effect"
import { Complaints } from "../../../src/services/link/Complaints.ts"

describe("complaints", () => {
  it.effect("are ten lines at once and one a second, at the level they are given, and count what they leave out", () =>
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const log = (message: string) =>
        Effect.flatMap(Effect.service(References.CurrentLogAnnotations), ({ unsaid }) =>
          Effect.sync(() => void lines.push([message, unsaid]))
        )
      const complaints = new Complaints("Connection closed", log)
      for (let i = 0; i < 1_000; i++) yield* complaints.say({}, 0)
      assert.deepStrictEqual(
        lines,
        Array.from({ length: 10 }, () => ["Connection closed", undefined])
      )
      yield* complaints.say({}, 1_000)
      assert.deepStrictEqual(lines[10], ["Connection closed", 990])
      yield* complaints.say({}, 1_000)
      assert.lengthOf(lines, 11)
    })
  )
})
