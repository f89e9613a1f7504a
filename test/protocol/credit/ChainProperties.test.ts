import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ChainLife, Command, kinds } from "../../support/credit/ChainCommands.ts"
import { seeded } from "../../support/Malformed.ts"
import { inputs } from "../../support/properties/Inputs.ts"

const Commands = Schema.Array(Command).check(Schema.isMaxLength(80))

const live = (commands: ReadonlyArray<Command>): ChainLife => {
  const life = new ChainLife()
  for (const command of commands) life.obey(command)
  assert.deepStrictEqual(life.finish(), [])
  return life
}

/** Commands by a seed; the likelier ones are named more than once. */
const drawn = (seed: number, length: number, chosen: ReadonlyArray<Command["kind"]>): ReadonlyArray<Command> => {
  const random = seeded(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  return Array.from({ length }, () => ({
    kind: chosen[below(chosen.length)]!,
    side: below(2) === 0 ? "stock" : "foil",
    n: below(41)
  }))
}

const often = ["pledge", "pledge", "set", "deliver", "deliver", "deliver", "deliver", "copy", "lose"] as const
const calm = kinds.filter((kind) => kind !== "restore" && kind !== "backup")

describe("two halves of a tally", () => {
  it.prop(
    "end equal, and lose nothing, whatever happens to messages and databases",
    [Commands],
    ([commands]) => void live(commands),
    { arbitrary: { runs: inputs(50), size: 30 } }
  )

  it("do so in 20 long lives in which messages are lost, doubled and out of order", () => {
    const seen = { placed: 0, refused: new Set<string>() }
    for (let seed = 1; seed <= 20; seed++) {
      const life = live(drawn(seed, 60, [...calm, ...often]))
      seen.placed += life.pair.stock.log.length
      for (const reason of life.pair.refused) seen.refused.add(reason)
    }
    assert.isAbove(seen.placed, 150)
    assert.deepStrictEqual([...seen.refused], [])
  })

  it("do so in 40 long lives in which databases are restored as well", () => {
    const seen = { placed: 0, histories: 0, refused: new Set<string>() }
    for (let seed = 1; seed <= 40; seed++) {
      const life = live(drawn(1_000 + seed, 60, [...kinds, ...often, ...often]))
      seen.placed += life.pair.stock.log.length
      seen.histories += life.pair.sent.get("History") ?? 0
      for (const reason of life.pair.refused) seen.refused.add(reason)
    }
    assert.isAbove(seen.placed, 150)
    assert.isAbove(seen.histories, 20)
    // What is overtaken says so; nothing is taken for forged.
    for (const reason of seen.refused) assert.include(["other-place", "agreed"], reason)
  })
})
