/**
 * Embedded databases for tests, made from a dump of an empty one: making it anew costs several times as much.
 *
 * Dump and folder are made once per version of PGlite and machine, and kept in the system's temporary folder.
 */
import { PGlite } from "@electric-sql/pglite"
import type { PgClient } from "@effect/sql-pg"
import { Effect, Layer } from "effect"
import type { SqlClient } from "effect/sql"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import * as os from "node:os"
import * as path from "node:path"
import * as Pglite from "../../src/layers/Pglite.ts"

const version = async (): Promise<string> => {
  const main = createRequire(import.meta.url).resolve("@electric-sql/pglite")
  const manifest: { readonly version: string } = JSON.parse(
    await fs.readFile(path.join(path.dirname(main), "..", "package.json"), "utf8")
  )
  return manifest.version
}

const make = async (file: string): Promise<void> => {
  const pg = await PGlite.create()
  const part = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`
  try {
    const dump = await pg.dumpDataDir("gzip")
    await fs.writeFile(part, new Uint8Array(await dump.arrayBuffer()), { mode: 0o600 })
    await fs.rename(part, file)
  } finally {
    await pg.close()
    await fs.rm(part, { force: true })
  }
}

let loaded: Promise<Blob> | undefined

const load = async (): Promise<Blob> => {
  const file = path.join(os.tmpdir(), `holdfast-pglite-${await version()}-${process.getuid?.() ?? 0}.tar.gz`)
  const known = await fs.lstat(file).catch(() => undefined)
  if (known?.isFile() !== true || (process.getuid !== undefined && known.uid !== process.getuid())) await make(file)
  return new Blob([await fs.readFile(file)], { type: "application/x-gzip" })
}

/** The dump of an empty database. */
export const dump = (): Promise<Blob> => (loaded ??= load())

/** A client of an empty database in memory. */
export const layer: Layer.Layer<PgClient.PgClient | SqlClient.SqlClient> = Layer.unwrap(
  Effect.map(Effect.promise(dump), (it) => Pglite.layer({ dataDir: undefined, dump: it }))
).pipe(Layer.orDie)

/** A client of the database in a folder, which is made on first use. */
export const layerFolder = (dataDir: string): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient> =>
  Layer.unwrap(Effect.map(Effect.promise(dump), (it) => Pglite.layer({ dataDir, dump: it }))).pipe(Layer.orDie)

let template: Promise<string> | undefined

const loadTemplate = async (): Promise<string> => {
  const target = path.join(os.tmpdir(), `holdfast-pglite-${await version()}-${process.getuid?.() ?? 0}`)
  const known = await fs.lstat(target).catch(() => undefined)
  if (known?.isDirectory() === true && (process.getuid === undefined || known.uid === process.getuid())) return target
  const part = `${target}.${process.pid}.${randomBytes(4).toString("hex")}`
  await Effect.runPromise(Effect.scoped(Layer.build(layerFolder(part))))
  // Whoever comes second uses what the first has made.
  await fs.rename(part, target).catch(() => fs.rm(part, { recursive: true, force: true }))
  return target
}

/** Puts an empty database where `folder` says, as if it had been made there: one is made, kept, and copied. */
export const copyTo = (folder: string): Effect.Effect<void> =>
  Effect.promise(async () => fs.cp(await (template ??= loadTemplate()), folder, { recursive: true }))
