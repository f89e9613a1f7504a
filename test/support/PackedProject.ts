/**
 * The package as its users get it: built, packed, and installed from the tarball in an empty project.
 *
 * Everything happens in a folder of its own; only `dist` of this project is written, by the build.
 */
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, sep } from "node:path"
import { manifest, root } from "./ProjectFiles.ts"

/** How a command ended. A command that could not start, or ran out of time, has no code. */
export interface Ended {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** What npm tells the scripts that it runs about this project would mislead the npm that runs in the other one. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(?:npm_(?!config_)|npm_config_local_prefix$|INIT_CWD$|NODE_OPTIONS$)/i.test(name)
    )
  )

/** Runs a command without input, to its end or for at most these milliseconds. */
export const run = (cwd: string, command: string, args: ReadonlyArray<string>, limit = 180_000): Promise<Ended> =>
  new Promise((resolve) => {
    const options = {
      cwd,
      env: environment(),
      timeout: limit,
      killSignal: "SIGKILL",
      maxBuffer: 64 * 1024 * 1024
    } as const
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : undefined
      resolve({ code, stdout, stderr: code === undefined ? `${stderr}\n${error?.message ?? ""}` : stderr })
    })
    child.stdin?.end()
  })

/** Runs a command that must succeed. */
export const mustRun = async (
  cwd: string,
  command: string,
  args: ReadonlyArray<string>,
  limit?: number
): Promise<string> => {
  const ended = await run(cwd, command, args, limit)
  if (ended.code !== 0)
    throw new Error(`${command} ${args.join(" ")} ended with ${ended.code}\n${ended.stdout}\n${ended.stderr}`)
  return ended.stdout
}

/** An empty project with the package in it. */
export interface PackedProject {
  readonly folder: string
  /** The package inside `node_modules`. */
  readonly installed: string
  /** The Node programs to run things on: the one that runs the tests, and the lowest that the package supports. */
  readonly nodes: ReadonlyArray<string>
  /** The package's files, relative to it, with `/` as separator. */
  readonly files: ReadonlyArray<string>
  readonly write: (name: string, text: string) => Promise<void>
  readonly remove: () => Promise<void>
}

/** The lowest version that a range like `>=22.19` allows, in full. */
export const lowest = (range: string): string => {
  const [major, minor = "0", patch = "0"] = range.replace(/^>=/, "").split(".")
  return `${major}.${minor}.${patch}`
}

/** Builds, packs and installs. Takes minutes without a package cache. */
export const packedProject = async (): Promise<PackedProject> => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-pack-"))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    return { ...(await install(folder)), remove }
  } catch (error) {
    await remove()
    throw error
  }
}

const install = async (temporary: string): Promise<Omit<PackedProject, "remove">> => {
  const { name, devDependencies, peerDependencies, engines } = manifest()
  await mustRun(root, "npm", ["pack", "--silent", "--pack-destination", temporary], 300_000)
  const tarball = (await readdir(temporary)).find((file) => file.endsWith(".tgz"))!
  const folder = join(temporary, "project")
  await mkdir(folder)
  const write = (file: string, text: string): Promise<void> => writeFile(join(folder, file), text)
  // npm asks for leave to run install scripts, and the `node` package fetches its program with one.
  const consumer = {
    name: "consumer",
    private: true,
    type: "module",
    allowScripts: { node: true, "cbor-extract": false }
  }
  await write("package.json", JSON.stringify(consumer))
  const pinned = (packages: ReadonlyArray<string>): ReadonlyArray<string> =>
    packages.map((dependency) => `${dependency}@${devDependencies[dependency]}`)
  const wanted = [
    join(temporary, tarball),
    ...pinned(Object.keys(peerDependencies)),
    ...pinned(["typescript", "@types/node"]),
    `node@${lowest(engines.node)}`
  ]
  await mustRun(folder, "npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", ...wanted], 600_000)
  const installed = join(folder, "node_modules", name)
  const entries = await readdir(installed, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(installed.length + 1)
        .replaceAll(sep, "/")
    )
    .sort()
  return { folder, installed, files, write, nodes: [process.execPath, join(folder, "node_modules/node/bin/node")] }
}

/** A file of the installed package as text. */
export const readInstalled = (project: PackedProject, file: string): Promise<string> =>
  readFile(join(project.installed, file), "utf8")
