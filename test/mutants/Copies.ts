/**
 * Copies of the project's modules in one process, each with a planted bug of its own: a module whose address says
 * `?planted=first-wins` has that bug, and so has everything that it imports. No text is the bug of none, the sources as they are.
 *
 * Packages are shared, as they are between the runs of one process. What a copy has loaded stays until the process ends.
 */
import { readFileSync } from "node:fs"
import { registerHooks, type ResolveFnOutput, stripTypeScriptTypes } from "node:module"
import { fileURLToPath } from "node:url"
import { families } from "./Families.ts"
import { plant, type Planted } from "./Mutant.ts"
import { find } from "./Mutants.ts"

const root = new URL("../../", import.meta.url).href
const isOwn = (url: string): boolean => url.startsWith(root) && !url.startsWith(`${root}node_modules/`)

/** Which copy an address belongs to; none if it belongs to the modules that this process began with. */
const copyOf = (url: string | undefined): string | null =>
  url === undefined || !isOwn(url) ? null : new URL(url).searchParams.get("planted")

/** The bug of a name; none of the empty one. */
const bugOf = (name: string): Planted | undefined =>
  name === "" ? undefined : (families.find((one) => one.name === name) ?? find(name))

/** The code of sources without a bug, by their file: the same in all copies. */
const stripped = new Map<string, string>()

const codeOf = (file: string, bug: Planted | undefined): string => {
  if (bug !== undefined && file === fileURLToPath(new URL(bug.file, root)))
    return stripTypeScriptTypes(plant(bug, readFileSync(file, "utf8")))
  const known = stripped.get(file)
  if (known !== undefined) return known
  const code = stripTypeScriptTypes(readFileSync(file, "utf8"))
  stripped.set(file, code)
  return code
}

/** Where packages and what Node has are, which is the same for all copies, by what they are imported as. */
const shared = new Map<string, ResolveFnOutput>()

registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const copy = copyOf(context.parentURL)
    if (copy === null) return nextResolve(specifier, context)
    if (/^\.\.?\/.*\.ts$/.test(specifier)) {
      const { href } = new URL(specifier, context.parentURL)
      return { url: `${href}?planted=${copy}`, format: "module", shortCircuit: true }
    }
    const known = shared.get(specifier)
    if (known !== undefined) return known
    const found = { ...nextResolve(specifier, context), shortCircuit: true }
    shared.set(specifier, found)
    return found
  },
  load: (url, context, nextLoad) => {
    const copy = copyOf(url)
    if (copy === null) return nextLoad(url, context)
    return { format: "module", source: codeOf(fileURLToPath(new URL(url)), bugOf(copy)), shortCircuit: true }
  }
})

/** Loads a program of this folder, which runs it to its end, in a copy with the bug that is named. */
export const run = async (program: string, name: string): Promise<void> => {
  process.env["MUTANT"] = name
  await import(`${new URL(program, import.meta.url).href}?planted=${name}`)
}
