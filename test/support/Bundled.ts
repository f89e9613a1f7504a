/**
 * Programs of this project in few files, for tests that start them hundreds of times: two thirds of what a process does
 * before its first statement is finding and loading a thousand modules.
 *
 * The modules are the same ones in the same order, none is left out, and each knows itself by the place of its source: what it
 * starts or loads from there comes from the sources. A bundle is made once for the same sources, in `.cache/programs`, and is
 * removed a day later by whoever makes the next. `HOLDFAST_TEST_SOURCES=1` starts all programs from their sources.
 */
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises"
import { existsSync } from "node:fs"
import { basename, join } from "node:path"
import { pathToFileURL } from "node:url"
import { type Plugin, rolldown } from "rolldown"
import { read, root, sources } from "./ProjectFiles.ts"

const folder = join(root, ".cache/programs")
/** Milliseconds after which nobody runs a bundle any more. */
const kept = 24 * 3_600_000

/** What a bundle is made of: another text makes another one. */
const digest = (): string => {
  const hash = createHash("sha256").update(read("package-lock.json")).update(read("test/support/Bundled.ts"))
  for (const [path, text] of sources(["src", "migrations", "test/support"])) hash.update(path).update(text)
  return hash.digest("hex").slice(0, 20)
}

const atItsSource: Plugin = {
  name: "at-its-source",
  transform: (code, id) =>
    code.includes("import.meta.url")
      ? { code: code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href)) }
      : null
}

/** What is taken in: the sources, and the packages that must share one copy of `effect`. Others stay where they are. */
const taken = /^(?:\.|\/|effect(?:\/|$)|@effect\/)/

const removeOld = async (): Promise<void> => {
  for (const name of await readdir(folder)) {
    const old = await stat(join(folder, name)).catch(() => undefined)
    if (old !== undefined && Date.now() - old.mtimeMs > kept)
      await rm(join(folder, name), { recursive: true, force: true })
  }
}

const make = async (entry: string, to: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  await removeOld()
  const draft = await mkdtemp(join(folder, "draft-"))
  const bundle = await rolldown({
    input: { program: join(root, entry) },
    cwd: root,
    platform: "node",
    treeshake: false,
    external: (id) => !taken.test(id),
    plugins: [atItsSource]
  })
  await bundle.write({ dir: draft, format: "esm" })
  await bundle.close()
  // Somebody else may have been first with the same.
  await rename(draft, to).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true })
    if (!existsSync(join(to, "program.js"))) throw error
  })
}

/** The file that runs a program of this project, which is named by its path from there, such as `src/programs/cli.ts`. */
export const bundled = async (entry: string): Promise<string> => {
  if (process.env["HOLDFAST_TEST_SOURCES"] === "1") return join(root, entry)
  const to = join(folder, `${digest()}-${basename(entry, ".ts")}`)
  if (!existsSync(to)) await make(entry, to)
  return join(to, "program.js")
}
