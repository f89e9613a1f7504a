/**
 * The blocks of a Bitcoin regtest that a bcoin node has made, fetched from it by a node of ours and by another bcoin, by turns, each in
 * a new process. Fails before anything is measured if bcoin is not there.
 */
import { Effect } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import * as JsLibrary from "../../test/support/interop/JsLibrary.ts"
import * as JsNode from "../../test/support/interop/JsNode.ts"
import { End } from "../End.ts"
import type { Figure } from "../Measurement.ts"
import type { Functions as BcoinFunctions } from "./BcoinEnd.ts"
import type { Opening, Store } from "./BlocksEnd.ts"
import type { Functions as ManagerFunctions } from "./ManagerEnd.ts"
import * as Works from "./Works.ts"

export interface Options {
  readonly runs: number
  readonly count: number
  /** The URL of an empty database. */
  readonly createDatabase: () => Promise<string>
  readonly progress: (run: number, contender: string) => void
  readonly seen: (run: number, contender: string, figures: ReadonlyArray<Figure>) => void
}

const bcoinFile = new URL("BcoinEnd.ts", import.meta.url)
const managerFile = new URL("ManagerEnd.ts", import.meta.url)

/** Says what to run if bcoin is not there. */
export const check = (): void => {
  const missing = JsLibrary.missing("bcoin")
  if (missing !== undefined) throw missing
}

const storeFor = async (contender: Works.Beside, folder: string, { createDatabase }: Options): Promise<Store> => {
  switch (contender) {
    case "postgres":
      return { _tag: "Postgres", url: await createDatabase() }
    case "pglite":
      return { _tag: "Pglite", data: path.join(folder, "database") }
    case "memory":
    case "bcoin":
      return { _tag: "Memory" }
  }
}

/** One contender's process, and the figures of its sync; ends it. */
const measured = async (
  end: End<BcoinFunctions> | End<ManagerFunctions>,
  opening: Opening,
  { height, id }: { readonly height: number; readonly id: string }
): Promise<ReadonlyArray<Figure>> => {
  try {
    await end.call("open", opening)
    const before = await end.cpu()
    const synced = await end.call("sync", height)
    const cpu = (await end.cpu()) - before
    if (synced.id !== id) throw new Error(`not the same blocks: the last one is ${synced.id}, not ${id}`)
    const name = Works.bitcoin(height)
    return [
      { work: name, metric: Works.time, unit: "ms", better: "less", value: synced.millis },
      { work: name, metric: Works.rate, unit: "1/s", better: "more", value: (height / synced.millis) * 1_000 },
      { work: name, metric: Works.cpu, unit: "us a block", better: "less", value: cpu / height }
    ]
  } finally {
    await end.stop()
  }
}

const run = async (
  contender: Works.Beside,
  source: Opening["from"],
  tip: { readonly height: number; readonly id: string },
  options: Options
): Promise<ReadonlyArray<Figure>> => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "holdfast-beside-"))
  try {
    const store = await storeFor(contender, folder, options)
    const end =
      contender === "bcoin"
        ? new End<BcoinFunctions>(bcoinFile, {
            arguments: [contender],
            env: { ...JsLibrary.environment, HOME: folder }
          })
        : new End<ManagerFunctions>(managerFile, { arguments: [contender] })
    return await measured(end, { store, from: source }, tip)
  } finally {
    await fs.rm(folder, { recursive: true, force: true })
  }
}

export const measure = (options: Options): Promise<void> =>
  Effect.gen(function* () {
    const { count, progress, runs, seen } = options
    const source = yield* JsNode.start({ library: "bcoin", isQuiet: true })
    const made = yield* source.mine(count)
    const tip = { height: count, id: made.at(-1) ?? "" }
    for (let at = 0; at < runs; at++) {
      // Each run begins with another one, so that nobody always comes after the same one.
      for (const contender of Works.beside.map((_, i) => Works.beside[(i + at) % Works.beside.length]!)) {
        const name = Works.besideNames[contender]
        progress(at, name)
        seen(at, name, yield* Effect.promise(() => run(contender, source.endpoint, tip, options)))
      }
    }
  }).pipe(Effect.scoped, Effect.runPromise)
