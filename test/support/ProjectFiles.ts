/** The project's own files as texts, for tests that judge the project itself. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, sep } from "node:path"
import { fileURLToPath } from "node:url"

/** The folder that holds package.json. */
export const root = fileURLToPath(new URL("../..", import.meta.url))

/** The text of one file. */
export const read = (path: string): string => readFileSync(join(root, path), "utf8")

/** All TypeScript files under these folders, by their path relative to the project, with `/` as separator. A folder may be missing. */
export const sources = (folders: ReadonlyArray<string>): ReadonlyMap<string, string> =>
  new Map(
    folders
      .filter((folder) => existsSync(join(root, folder)))
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map(
          (path) => `${folder}/${path.replaceAll(sep, "/")}`
        )
      )
      .filter((path) => path.endsWith(".ts"))
      .sort()
      .map((path) => [path, read(path)])
  )

/** What this project reads of its own package.json. */
export interface Manifest {
  readonly name: string
  readonly version: string
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly engines: { readonly node: string }
  readonly exports: Readonly<Record<string, string>>
  readonly bin: Readonly<Record<string, string>>
}

export const manifest = (): Manifest => JSON.parse(read("package.json")) as Manifest
