/**
 * Servers from the packages of a Debian, unpacked into `bench/.cache`: nothing is installed, no service is started and
 * nobody has to be root. `apt-get` verifies what it fetches, with the keys and from the places that this machine names.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

export interface Packages {
  /** The folder of the cache. */
  readonly name: string
  readonly packages: ReadonlyArray<string>
  /** A release of Debian other than this machine's. */
  readonly suite?: string
}

const cache = fileURLToPath(new URL("../.cache/debian/", import.meta.url))

const run = async (command: string, args: ReadonlyArray<string>, cwd: string): Promise<void> => {
  const child = spawn(command, args, { cwd, stdio: ["ignore", "ignore", "pipe"] })
  let said = ""
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [code] = await once(child, "close")
  if (code !== 0) throw new Error(`"${command} ${args.slice(-3).join(" ")}" ended with ${String(code)}: ${said.trim()}`)
}

const sourceFiles = async (): Promise<ReadonlyArray<string>> => {
  const parts = "/etc/apt/sources.list.d"
  const names = await fs.readdir(parts).catch(() => [])
  return ["/etc/apt/sources.list", ...names.map((name) => path.join(parts, name))]
}

/** The source of this machine that has the main packages, with another release named: the same place, the same keys. */
export const otherSuite = (text: string, suite: string): string | undefined => {
  for (const stanza of text.split(/\n\s*\n/)) {
    const field = (name: string) => new RegExp(`^${name}: *(.+)$`, "m").exec(stanza)?.[1]
    if (field("Types")?.includes("deb") !== true || field("Components")?.includes("main") !== true) continue
    if (/security/.test(field("Suites") ?? "")) continue
    return `${stanza.replace(/^Suites:.*$/m, `Suites: ${suite}`).trim()}\n`
  }
  for (const line of text.split("\n")) {
    const [, options = "", place, of] = /^deb +(\[[^\]]*\] +)?(\S+) +(\S+) +.*\bmain\b/.exec(line) ?? []
    if (place !== undefined && !/security/.test(of ?? "")) return `deb ${options}${place} ${suite} main\n`
  }
  return undefined
}

const withSuite = async (folder: string, suite: string): Promise<ReadonlyArray<string>> => {
  for (const name of await sourceFiles()) {
    const text = await fs.readFile(name, "utf8").catch(() => "")
    const source = otherSuite(text, suite)
    if (source === undefined) continue
    const file = path.join(folder, source.startsWith("deb ") ? "sources.list" : "list.sources")
    await fs.writeFile(file, source)
    return ["-o", `Dir::Etc::sourcelist=${file}`, "-o", "Dir::Etc::sourceparts=/dev/null"]
  }
  throw new Error("this machine names no source of Debian packages")
}

/** Fetches and unpacks packages unless that is done; the folder that they are unpacked into. Fails without `apt-get`. */
export const unpack = async ({ name, packages, suite }: Packages): Promise<string> => {
  const folder = path.join(cache, name)
  const part = (of: string): string => path.join(folder, of)
  const lists = part("lists")
  const archives = part("archives")
  const root = part("root")
  const done = path.join(folder, "unpacked.json")
  const wanted = JSON.stringify({ packages, suite })
  if ((await fs.readFile(done, "utf8").catch(() => "")) === wanted) return root
  await fs.rm(folder, { recursive: true, force: true })
  await fs.mkdir(root, { recursive: true })
  for (const state of [lists, archives]) await fs.mkdir(path.join(state, "partial"), { recursive: true })
  const own = ["-o", `Dir::State::lists=${lists}`, "-o", `Dir::Cache=${archives}`, "-o", "APT::Sandbox::User="]
  const options = suite === undefined ? own : [...own, ...(await withSuite(folder, suite))]
  await run("apt-get", [...options, "update"], archives)
  await run("apt-get", [...options, "download", ...packages], archives)
  for (const file of await fs.readdir(archives)) {
    if (file.endsWith(".deb")) await run("dpkg-deb", ["-x", path.join(archives, file), root], folder)
  }
  await fs.writeFile(done, wanted)
  return root
}
