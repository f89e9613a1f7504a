/**
 * Nodes with credit as processes, for a test or a benchmark: each with one user, a data folder and a database of its own, over as many
 * lives as it is given. All of them, and what they have kept, are gone when their scope closes.
 */
import { Effect, Result, Schedule } from "effect"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import { End } from "../../../bench/End.ts"
import * as Address from "../../../src/protocol/Address.ts"
import { files } from "../../../src/programs/FolderFiles.ts"
import { Cuid, type Person } from "../../../src/protocol/credit/Chad.ts"
import type { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { Command, Done } from "../../../src/services/credit/Command.ts"
import type { Functions, Opening } from "./CreditEnd.ts"

const program = new URL("CreditEnd.ts", import.meta.url)

/** Most of a short life goes into loading modules. */
const env = { NODE_COMPILE_CACHE: path.join(os.tmpdir(), "holdfast-test-compile-cache") }

/** Ports of this machine: where a node listens, a free one by default, and what it tells its peers to dial, the same by default. */
export interface Places {
  readonly port?: number
  readonly advertise?: number
}

/** One node over all its lives, and its user. */
export class CreditHome {
  readonly user: Cuid
  readonly data: string
  /** What it is opened with; another one's process may stand in between. */
  database: string
  readonly #peers: Array<string> = []
  #port: number
  /** What it tells its peers instead of where it listens. */
  readonly #advertise: number | undefined
  #end: End<Functions> | undefined
  #second: End<Functions> | undefined
  #address: Address.Address | undefined

  constructor(name: string, data: string, database: string, places: Places = {}) {
    this.user = Cuid.make(name)
    this.data = data
    this.database = database
    this.#port = places.port ?? 0
    this.#advertise = places.advertise
  }

  /** The process of the present life. */
  get end(): End<Functions> {
    return (this.#end ??= new End<Functions>(program, { arguments: [this.user], env }))
  }

  /** Where others dial it. */
  get address(): Address.Address {
    if (this.#address === undefined) throw new Error(`the node of ${this.user} was never open`)
    return this.#address
  }

  get person(): Person {
    return { cuid: this.user, agent: this.address.key }
  }

  /** The same by way of another port of this machine. */
  through(port: number): string {
    return String(new Address.Address({ key: this.address.key, host: "127.0.0.1", port }))
  }

  /** Begins a life, at the place of the one before and with the same peers. */
  async open(): Promise<void> {
    const { host, key, port } = Result.getOrThrow(Address.parse(await this.end.call("open", this.#opening(this.data))))
    if (this.#port === 0) this.#port = port
    this.#address = new Address.Address({ key, host, port: this.#port })
    for (const peer of this.#peers) await this.end.call("connect", peer)
  }

  #opening(data: string): Opening {
    const advertise = this.#advertise
    return { data, database: this.database, port: this.#port, ...(advertise === undefined ? {} : { advertise }) }
  }

  /** The addresses of other nodes, or of proxies before them. */
  async connect(...addresses: ReadonlyArray<string>): Promise<void> {
    this.#peers.push(...addresses)
    for (const address of addresses) await this.end.call("connect", address)
  }

  /** Another process of the same node, on the same database, which waits until the first one is gone. `open` returns when it owns the node. */
  async standBy(): Promise<{ readonly owns: Promise<void> }> {
    const data = `${this.data}-second`
    await fs.mkdir(data, { recursive: true, mode: 0o700 })
    for (const file of [files.identity, files.keyring]) {
      await fs.copyFile(path.join(this.data, file), path.join(data, file))
    }
    const end = new End<Functions>(program, { arguments: [`${this.user}-second`], env })
    this.#second = end
    const owns = end.call("open", { ...this.#opening(data), standsBy: true }).then(async () => {
      for (const peer of this.#peers) await end.call("connect", peer)
    })
    return { owns }
  }

  /** The process that stood by is the node's from now on. */
  succeed(): void {
    this.#end = this.#second
    this.#second = undefined
  }

  does(command: Command, key?: string): Promise<Done> {
    return this.end.call("does", { user: this.user, command, ...(key === undefined ? {} : { key }) })
  }

  /** The id of the tally, chit or lift that a command has made. */
  async made<K extends keyof Done>(what: K, command: Command, key?: string): Promise<NonNullable<Done[K]>> {
    const made = (await this.does(command, key))[what]
    if (made === undefined) throw new Error(`${command._tag} has made no ${what}`)
    return made
  }

  half(tally: TallyId) {
    return this.end.call("half", { user: this.user, tally })
  }

  /** Does all of them, one after the other, in one call: what each has made. */
  all(commands: ReadonlyArray<Command>): Promise<ReadonlyArray<Done>> {
    return this.end.call("all", { user: this.user, commands })
  }

  /** Does it once, however often its database or its answer is lost meanwhile. */
  async insists(command: Command, key: string): Promise<Done> {
    return this.end.call("insists", { user: this.user, command, key })
  }

  untilSettled(tally: TallyId, count: number): Promise<number> {
    return this.end.call("untilSettled", { user: this.user, tally, count })
  }

  /** SIGKILL, at once; returns when it has ended. */
  async kill(): Promise<void> {
    await this.#end?.signal("SIGKILL")
    this.#end = undefined
  }

  async stop(): Promise<void> {
    await Promise.all([this.#end?.stop(), this.#second?.stop()])
    this.#end = undefined
    this.#second = undefined
  }
}

/** A tally on which either may owe the other so much, as stock has offered it and foil has it. */
export const offerTally = async (stock: CreditHome, foil: CreditHome, limit: bigint) => {
  const terms = { terms: { limit }, partnerTerms: { limit } }
  const tally = await stock.made("tally", { _tag: "DraftTally", side: "stock", ...terms })
  const invitation = await stock.made("invitation", { _tag: "IssueTicket", tally, reuse: false })
  await foil.does({ _tag: "ShowTicket", invitation })
  await stock.end.call("untilRequested", { user: stock.user, tally })
  await stock.does({ _tag: "OfferTally", tally })
  const { revision } = await foil.end.call("untilHalf", { user: foil.user, tally, status: "received" })
  return { tally, revision }
}

/** Either may owe the other so much, as soon as this returns. */
export const openTally = async (stock: CreditHome, foil: CreditHome, limit: bigint): Promise<TallyId> => {
  const { tally, revision } = await offerTally(stock, foil, limit)
  await foil.does({ _tag: "AcceptTally", tally, revision })
  for (const { end, user } of [stock, foil]) await end.call("untilHalf", { user, tally, status: "open" })
  return tally
}

/** `createDatabase` gives the URL of an empty database for the node of this user. */
export const make = Effect.fnUntraced(function* (
  createDatabase: (name: string) => Promise<string>,
  placesOf: () => Promise<Places> = async () => ({})
) {
  const root = yield* Effect.acquireRelease(
    Effect.promise(() => fs.mkdtemp(path.join(os.tmpdir(), "holdfast-credit-"))),
    (folder) =>
      Effect.promise(() => fs.rm(folder, { recursive: true, force: true })).pipe(
        Effect.retry(Schedule.recurs(3)),
        Effect.ignore
      )
  )
  const all: Array<CreditHome> = []
  yield* Effect.addFinalizer(() => Effect.promise(() => Promise.all(all.map((home) => home.stop()))))
  /** A node that runs, connected to others, and its user. */
  return async (name: string, ...others: ReadonlyArray<CreditHome>): Promise<CreditHome> => {
    const data = path.join(root, `${name}-${all.length}`)
    const home = new CreditHome(name, data, await createDatabase(name), await placesOf())
    all.push(home)
    await home.open()
    await home.connect(...others.map(({ address }) => String(address)))
    await home.does({ _tag: "PutUser", type: "person", name })
    return home
  }
})

export type MakeHome = Effect.Success<ReturnType<typeof make>>
