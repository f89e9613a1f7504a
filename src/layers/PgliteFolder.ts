/**
 * A PGlite database folder that survives crashes: of its making, and of every commit after it.
 *
 * The runtime below PGlite drops `fsync` for files of the host; here it reaches the disk. A folder whose making was
 * cut short is recognised by a mark beside it and made again, which loses nothing: no commit was answered before the
 * mark went away.
 */
import { PGlite } from "@electric-sql/pglite"
import { NodeFS } from "@electric-sql/pglite/nodefs"
import * as fs from "node:fs"
import * as path from "node:path"
import { EmbeddedDatabaseUnusable } from "./DatabaseErrors.ts"
import { planningParams } from "./Planning.ts"

interface HostFiles {
  readonly stream_ops: { fsync?: (stream: { readonly nfd?: number; readonly node: unknown }) => number }
  readonly realPath: (node: unknown) => string
}

const syncPath = (name: string): void => {
  const file = fs.openSync(name, "r")
  try {
    fs.fsyncSync(file)
  } finally {
    fs.closeSync(file)
  }
}

class DurableFiles extends NodeFS {
  override async init(...[pg, options]: Parameters<NodeFS["init"]>): ReturnType<NodeFS["init"]> {
    const { emscriptenOpts } = await super.init(pg, options)
    const install = (module: { readonly NODEFS: HostFiles }) => {
      const files = module.NODEFS
      files.stream_ops.fsync = (stream) => {
        if (stream.nfd === undefined) syncPath(files.realPath(stream.node))
        else fs.fsyncSync(stream.nfd)
        return 0
      }
    }
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), install] } }
  }
}

const syncLater = (name: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const file = fs.openSync(name, "r")
    fs.fsync(file, (error) => {
      fs.closeSync(file)
      if (error === null) resolve()
      else reject(error)
    })
  })

/** So many files at a time: file systems force what is asked for together in one go, which takes a tenth of the time. */
const together = 64

/** Forces a whole folder to the disk. What `initdb` wrote was copied into it without that. */
const syncTree = async (folder: string): Promise<void> => {
  const names = [folder]
  for (const entry of fs.readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isDirectory() || entry.isFile()) names.push(path.join(entry.parentPath, entry.name))
  }
  for (let at = 0; at < names.length; at += together) {
    await Promise.all(names.slice(at, at + together).map(syncLater))
  }
}

/** The command line of an engine whose commits a crash may undo. */
export const careless = [...PGlite.defaultStartParams, ...planningParams]
const durable = [...careless.filter((option) => option !== "-F"), "-c", "wal_sync_method=fsync"]

const start = (folder: string, allowDataLoss: boolean, dump?: Blob): Promise<PGlite> =>
  PGlite.create({
    ...(allowDataLoss
      ? { dataDir: folder, startParams: careless }
      : { fs: new DurableFiles(folder), startParams: durable }),
    ...(dump === undefined ? {} : { loadDataDir: dump })
  })

/**
 * Opens the database in a folder, recovering what an earlier process left, or makes a new one, from
 * a dump if there is one.
 *
 * Rejects with `EmbeddedDatabaseUnusable`. The caller sees to it that one process at a time does this.
 */
export const open = async (dataDir: string, allowDataLoss: boolean, dump?: Blob): Promise<PGlite> => {
  const folder = path.resolve(dataDir)
  const mark = `${folder}.unfinished`
  const unusable = (problem: string, fix: string, cause?: unknown): EmbeddedDatabaseUnusable =>
    new EmbeddedDatabaseUnusable({ dataDir: folder, problem, fix, ...(cause === undefined ? {} : { cause }) })
  try {
    if (fs.existsSync(mark)) fs.rmSync(folder, { recursive: true, force: true })
    if (fs.existsSync(path.join(folder, "PG_VERSION"))) return await start(folder, allowDataLoss)
    if (fs.existsSync(folder) && fs.readdirSync(folder).length > 0) {
      throw unusable("would share its folder with other files", "Name an empty folder, or one that does not exist yet.")
    }
    fs.writeFileSync(mark, "This database folder is being made. Until this file is gone, it is made anew.\n")
    syncPath(path.dirname(folder))
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    const pg = await start(folder, allowDataLoss, dump)
    if (!allowDataLoss) {
      await syncTree(folder)
      syncPath(path.dirname(folder))
    }
    fs.rmSync(mark)
    return pg
  } catch (cause) {
    if (cause instanceof EmbeddedDatabaseUnusable) throw cause
    throw unusable(
      "could not be opened",
      "See that the folder belongs to the user who runs this and that its disk has space; a folder made by another " +
        "version has to be moved away, or dumped and loaded.",
      cause
    )
  }
}
