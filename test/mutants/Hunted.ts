/**
 * The tests of a family of planted bugs: each is listed, fits its file, and is found by a program that loads the code with it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { families } from "./Families.ts"
import { plant, type Planted } from "./Mutant.ts"
import { mutants as simulated } from "./Mutants.ts"
import { turns } from "./Turns.ts"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const Found = Schema.Struct({ seeds: Schema.optionalKey(Schema.Int), found: Schema.NullOr(Schema.String) })
type Found = typeof Found.Type
const decode = Schema.decodeUnknownPromise(Schema.fromJsonString(Found))

interface Listed extends Planted {
  readonly what: string
  /** What shows it: a property, or what the explorer says. */
  readonly shows: string
}

export interface Hunted {
  readonly of: string
  /** Hunts the bug that `MUTANT` names and prints what it found. */
  readonly program: string
  readonly mutants: ReadonlyArray<Listed>
  /** All that must be shown by one of them at least. */
  readonly shows?: ReadonlyArray<string>
  /** What the program prints without a bug. */
  readonly clean: Found
  readonly check: (found: string | null, mutant: Listed) => void
}

export const hunted = ({ check, clean, mutants, of, program, shows }: Hunted): void => {
  const printed = turns(program, ["", ...mutants.map(({ name }) => name)])
  const hunt = async (name: string): Promise<Found> => decode(await printed(name))

  describe(`the planted bugs of ${of}`, () => {
    it("have names that no other one has, and are at least one for everything that shows them", () => {
      const names = [...simulated, ...families].map(({ name }) => name)
      assert.strictEqual(new Set(names).size, names.length)
      for (const { name } of mutants) assert.include(names, name)
      if (shows !== undefined) assert.deepStrictEqual(new Set(mutants.map((mutant) => mutant.shows)), new Set(shows))
    })

    it("are all listed in docs/simulation-mutants.md, in the same words", () => {
      const text = readFileSync(here("../../docs/simulation-mutants.md"), "utf8")
      const rows = mutants.map((mutant) => `| \`${mutant.name}\` | ${mutant.what} | ${mutant.shows} |`)
      assert.deepStrictEqual(
        text.split("\n").filter((line) => rows.includes(line)),
        rows
      )
    })

    it("are all there is to find: without one nothing is wrong", async () => {
      assert.deepStrictEqual(await hunt(""), clean)
    })

    for (const mutant of mutants) {
      it.concurrent(`${mutant.name} fits its file and is found: ${mutant.shows}`, async () => {
        plant(mutant, readFileSync(here(`../../${mutant.file}`), "utf8"))
        const { found } = await hunt(mutant.name)
        check(found, mutant)
      })
    }
  })
}
