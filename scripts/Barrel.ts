/**
 * The texts of the files that only re-export: `src/index.ts`, with one namespace for each module of the services and of
 * the protocol, and `src/testing/index.ts`, with one for each module of testing.
 *
 * The root leaves layers, testing and programs out, so that importing the package loads no driver. A module is named
 * after its file. Where two files have the same name, the service keeps it and the others put their area in front
 * (`LinkWire`), or floor and area if that is taken as well. What belongs to Bitcoin always says so (`BitcoinBlock`) and
 * leaves the plain names to the rest: its files have the names of its own field, which mean something else beside ours.
 */
import { posix } from "node:path"

const header = (what: string): string => `/** Every module of ${what} by its name. Written by \`npm run barrel\`. */\n`

const base = (path: string): string => posix.basename(path, ".ts")
const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1)
const prefixed = (folders: ReadonlyArray<string>, path: string): string => folders.map(capital).join("") + base(path)

const count = (names: Iterable<string>): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** One line for each of these modules, with a name that no other one has. */
const lines = (folder: string, modules: ReadonlyArray<string>): string => {
  const isService = (path: string): boolean => path.startsWith("src/services/")
  const isBitcoin = (path: string): boolean => path.includes("/bitcoin/")
  const others = modules.filter((path) => !isBitcoin(path))
  const all = count(others.map(base))
  const services = count(others.filter(isService).map(base))
  const keeps = (path: string): boolean =>
    !isBitcoin(path) && (all.get(base(path)) === 1 || (isService(path) && services.get(base(path)) === 1))
  const area = (path: string): string => prefixed(posix.dirname(path).split("/").slice(2), path)
  const areas = count(modules.filter((path) => !keeps(path)).map(area))
  const name = (path: string): string => {
    if (keeps(path)) return base(path)
    const free = areas.get(area(path)) === 1 && !all.has(area(path))
    return free ? area(path) : prefixed(posix.dirname(path).split("/").slice(1), path)
  }
  return modules.map((path) => `export * as ${name(path)} from "./${posix.relative(folder, path)}"\n`).join("")
}

/**
 * The text of each barrel by its path, for these paths, which are relative to the project and use `/`. Entry points and
 * declarations for other packages are left out, and a barrel without a module does not exist.
 */
export const barrels = (paths: Iterable<string>): ReadonlyMap<string, string> => {
  const modules = [...paths].filter((path) => /\/[A-Z][A-Za-z0-9]*\.ts$/.test(path)).sort()
  const within = (floors: ReadonlyArray<string>): ReadonlyArray<string> =>
    modules.filter((path) => floors.some((floor) => path.startsWith(`src/${floor}/`)))
  const written = (folder: string, what: string, floors: ReadonlyArray<string>): ReadonlyArray<[string, string]> => {
    const found = within(floors)
    return found.length === 0 ? [] : [[`${folder}/index.ts`, header(what) + lines(folder, found)]]
  }
  return new Map([
    ...written("src", "the services and of the protocol", ["services", "protocol"]),
    ...written("src/testing", "testing", ["testing"])
  ])
}
