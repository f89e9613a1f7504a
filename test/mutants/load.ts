/**
 * Plants the bug that the environment names: `MUTANT=first-wins node --import ./test/mutants/load.ts <program>`.
 *
 * The text of one source file is exchanged while the program loads it, in memory only. A name that nobody knows, or a
 * bug that no longer fits its file, ends the program. Without `MUTANT` nothing happens.
 */
import { registerHooks } from "node:module"
import { families } from "./Families.ts"
import { find } from "./Mutants.ts"
import { plant } from "./Mutant.ts"

const name = process.env["MUTANT"]

if (name !== undefined && name !== "") {
  const mutant = families.find((one) => one.name === name) ?? find(name)
  const { href } = new URL(`../../${mutant.file}`, import.meta.url)
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      if (url !== href) return loaded
      if (loaded.source === undefined || loaded.source === null) throw new Error(`${mutant.file} came without its text`)
      const text = typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source)
      return { ...loaded, source: plant(mutant, text) }
    }
  })
}
