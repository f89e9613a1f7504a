/**
 * The rules of the house that a reader of one file cannot see: which floor may import which, who may touch the
 * platform, and which globals would make a run impossible to replay.
 *
 * Pure: files go in as texts by path, violations come out. The same rules therefore judge the project and the
 * planted mistakes that prove the rules.
 */
import { isBuiltin } from "node:module"
import { posix } from "node:path"
import { blank, imports, lineAt, lineCount, type Import } from "./SourceText.ts"

/** A rule that a file breaks, and where. */
export interface Violation {
  readonly rule: Rule
  readonly file: string
  readonly line: number
  readonly detail: string
}

export type Rule =
  | "floor"
  | "cycle"
  | "platform"
  | "builtin"
  | "global"
  | "escape"
  | "length"
  | "extension"
  | "missing"
  | "undeclared"
  | "name"
  | "focus"

/** Of a file, without those of a list of modules, each of which only names one. */
const maximumLines = 400
const listed = /^export \* as \w+ from "[^"]+"\n/gm

/** What each floor may import of this project; a floor may always import itself. */
const floors: Readonly<Record<string, ReadonlyArray<string>>> = {
  "src/protocol": [],
  "src/services": ["src/protocol"],
  "src/layers": ["src/services", "src/protocol", "migrations"],
  "src/testing": ["src/layers", "src/services", "src/protocol", "migrations"],
  "src/programs": ["src/testing", "src/layers", "src/services", "src/protocol", "migrations"],
  "src/index.ts": ["src/services", "src/protocol"],
  // A released migration never changes, so it stands on nothing that does.
  migrations: []
}

const floorOf = (path: string): string | undefined =>
  Object.keys(floors).find((floor) => path === floor || path.startsWith(`${floor}/`))

const replayable = new Set(["src/protocol", "src/services", "src/layers", "src/testing", "migrations"])

/** The fault proxy is real sockets and real time; the poison takes the place of what others must not use. */
const real = /^src\/testing\/(?:proxy\/[^/]+|world\/Poison)\.ts$/

const globals: ReadonlyArray<readonly [pattern: RegExp, use: string]> = [
  [/\bDate\s*\.\s*now\b/g, "Clock"],
  [/\bnew\s+Date\s*\(\s*\)|\bnew\s+Date\b(?!\s*\()|(?<![.\w$]|new\s+)Date\s*\(/g, "Clock or DateTime"],
  [/(?<![.\w$])performance\s*\.\s*now\b/g, "Clock"],
  [/(?<![.\w$])process\s*\.\s*(?:env|hrtime|nextTick)\b/g, "Config, Clock or Effect.yieldNow"],
  [/\bMath\s*\.\s*random\b/g, "Random"],
  [/\brandomUUID\b|\bgetRandomValues\b|\brandombytes_\w+|\bcrypto\s*\.\s*random\w+/g, "SecureRandom"],
  [/(?:(?<![.\w$])|\bglobalThis\s*\.\s*)(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b/g, "Effect.sleep"],
  [/(?<![.\w$])console\s*\./g, "Effect.log"]
]

const computedImport = /(?<![.\w$])import\s*\((?!\s*["'])/g
const escapes: ReadonlyArray<readonly [pattern: RegExp, why: string]> = [
  [/\bas\s+unknown\s+as\b/g, "a double assertion hides a wrong type"],
  [computedImport, "import() of a computed name cannot be checked"]
]

/** The one file that may import by a computed name, and may do so once: scenarios are files of its users. */
const importer = "src/programs/sim/Scenarios.ts"

const focus = /\b(?:it|test|describe|effect|live|prop|layer|scoped)\s*\.\s*(?:only|skip|skipIf|runIf|todo|fails)\b/g

const platformFree = /(?:Sql|Memory)\.ts$/
const pascalCase = /^[A-Z][A-Za-z0-9]*\.ts$/
const named = /^(?:src\/(?:protocol|services|layers|testing)\/)/
const migrationName = /^\d{4}(?:_[a-z0-9]+)+\.ts$/

const isRelative = (specifier: string): boolean => /^\.{1,2}(?:\/|$)/.test(specifier)
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")
const resolved = (from: string, specifier: string): string => posix.join(posix.dirname(from), specifier)

const matches = (pattern: RegExp, text: string): ReadonlyArray<RegExpExecArray> => [...text.matchAll(pattern)]

/** What is wrong with one import, seen from the file that has it. */
const importViolations = (
  file: string,
  entry: Import,
  known: ReadonlySet<string>,
  declared: ReadonlySet<string> | undefined
): ReadonlyArray<readonly [Rule, string]> => {
  const floor = floorOf(file)
  if (floor === undefined) return []
  const { specifier } = entry
  if (isRelative(specifier)) {
    const target = resolved(file, specifier)
    const found: Array<readonly [Rule, string]> = []
    if (!/\.(?:ts|json)$/.test(specifier)) found.push(["extension", `"${specifier}" must end in .ts`])
    else if (specifier.endsWith(".ts") && !known.has(target)) found.push(["missing", `"${specifier}" is not a file`])
    const to = floorOf(target)
    if (to === undefined && !specifier.endsWith(".json")) found.push(["floor", `${floor} may not import ${target}`])
    else if (to !== undefined && to !== floor && !floors[floor]!.includes(to))
      found.push(["floor", `${floor} may not import ${to} ("${specifier}")`])
    return found
  }
  if (isBuiltin(specifier)) {
    if (!specifier.startsWith("node:")) return [["builtin", `write "node:${specifier}"`]]
    if (floor === "src/protocol" && specifier === "node:crypto")
      return /\b(?:random\w+|generateKey\w*)\b/.test(entry.clause)
        ? [["global", `${specifier} may hash here; for randomness take an argument`]]
        : []
    return ["src/protocol", "src/services", "src/index.ts", "migrations"].includes(floor)
      ? [["builtin", `${floor} may not import ${specifier}`]]
      : []
  }
  const name = packageOf(specifier)
  const found: Array<readonly [Rule, string]> = []
  if (declared !== undefined && !declared.has(name))
    found.push(["undeclared", `${name} is neither a dependency nor a peer dependency`])
  const bound = floor === "src/programs" || (floor === "src/layers" && !platformFree.test(file))
  if (name.startsWith("@effect/") && !bound)
    found.push(["platform", `${file} may not import ${name}: only layers bound to a platform and programs do`])
  return found
}

/** What is wrong with the text of one file, apart from its imports. */
const textViolations = (file: string, text: string): ReadonlyArray<Violation> => {
  const code = blank(text)
  const floor = floorOf(file)
  const at = (rule: Rule, position: number, detail: string): Violation => ({
    rule,
    file,
    line: lineAt(text, position),
    detail
  })
  const found: Array<Violation> = []
  if (floor === undefined)
    return matches(focus, code).map((match) => at("focus", match.index, `${match[0]}: every test runs, always`))
  const lines = lineCount(text.replaceAll(listed, ""))
  if (lines > maximumLines)
    found.push({ rule: "length", file, line: maximumLines + 1, detail: `${lines} lines, ${maximumLines} at most` })
  for (const [pattern, why] of escapes)
    for (const match of matches(pattern, code).slice(pattern === computedImport && file === importer ? 1 : 0))
      found.push(at("escape", match.index, why))
  if (replayable.has(floor) && !real.test(file))
    for (const [pattern, use] of globals)
      for (const match of matches(pattern, code)) found.push(at("global", match.index, `${match[0]}: use ${use}`))
  const base = posix.basename(file)
  const entry = base === "index.ts" || base.endsWith(".d.ts")
  if (named.test(file) && !entry && !pascalCase.test(base)) found.push(at("name", 0, `${base} is not in PascalCase`))
  if (floor === "migrations" && !entry && !migrationName.test(base))
    found.push(at("name", 0, `${base} is not four digits, a verb and an object, as in 0001_create_outbox.ts`))
  return found
}

/** The groups of files that import each other, each in path order; a file that imports itself is a group too. */
const cycles = (edges: ReadonlyMap<string, ReadonlyArray<string>>): ReadonlyArray<ReadonlyArray<string>> => {
  const reached = (from: string): ReadonlySet<string> => {
    const seen = new Set<string>()
    const todo = [...(edges.get(from) ?? [])]
    for (let next = todo.pop(); next !== undefined; next = todo.pop())
      if (!seen.has(next)) {
        seen.add(next)
        todo.push(...(edges.get(next) ?? []))
      }
    return seen
  }
  const reach = new Map([...edges.keys()].map((file) => [file, reached(file)] as const))
  const placed = new Set<string>()
  const groups: Array<ReadonlyArray<string>> = []
  for (const file of [...edges.keys()].sort()) {
    if (placed.has(file) || reach.get(file)?.has(file) !== true) continue
    const group = [...reach.get(file)!].filter((other) => reach.get(other)?.has(file) === true).sort()
    for (const other of group) placed.add(other)
    groups.push(group)
  }
  return groups
}

/**
 * Every broken rule in these files, by file and line. Paths are relative to the project and use `/`. Files outside
 * `src` and `migrations` are only checked for tests that are focused or left out. `declared` names the packages that
 * a consumer gets together with this one; without it, packages are not checked.
 */
export const violations = (
  files: ReadonlyMap<string, string>,
  declared?: ReadonlySet<string>
): ReadonlyArray<Violation> => {
  const known = new Set(files.keys())
  const edges = new Map<string, ReadonlyArray<string>>()
  const found: Array<Violation> = []
  for (const [file, text] of files) {
    found.push(...textViolations(file, text))
    if (floorOf(file) === undefined) continue
    const list = imports(text)
    const targets = list
      .filter(({ specifier }) => isRelative(specifier))
      .map(({ specifier }) => resolved(file, specifier))
    edges.set(
      file,
      targets.filter((target) => known.has(target))
    )
    for (const entry of list)
      for (const [rule, detail] of importViolations(file, entry, known, declared))
        found.push({ rule, file, line: entry.line, detail })
  }
  for (const group of cycles(edges))
    found.push({ rule: "cycle", file: group[0]!, line: 1, detail: group.join(" <-> ") })
  return found.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line))
}

/** A violation as a line that an editor can jump to. */
export const print = ({ rule, file, line, detail }: Violation): string => `${file}:${line} [${rule}] ${detail}`
