/**
 * The nodes of the backlog test: a sender, a peer that goes away, and one that is always there and is probed. Beside them
 * a bystander probes its witness at the same rhythm: they share the machine with the others, and nothing else. Where the
 * backlog keeps all processors busy they notice that as well: their figures say what a node pays for the machine, and
 * those of the sender's other peer what it pays on top for sharing a node.
 */
import * as fs from "node:fs/promises"
import { NodeProcess } from "./NodeProcess.ts"
import type { Place } from "./Places.ts"
import type { Assignment, Weight } from "./Talk.ts"

export interface Options {
  readonly messages: number
  /** Messages of one of the sender's transactions. */
  readonly each: number
  /** Bytes of a body beside its few fields. */
  readonly bytes: number
  /** Probes of each calm phase, and milliseconds between them; other phases have as many as they take. */
  readonly probes: number
  readonly everyMillis: number
  readonly progress?: (line: string) => void
}

/** How long piling up or draining may take, in milliseconds. It ends what hangs; a busy machine never reaches it. */
const patience = 1_800_000

export type Name = "sender" | "away" | "live" | "bystander" | "witness"

/** Microseconds that each probe took: to the sender's peer, and to the bystander's. */
export interface Probes {
  readonly live: ReadonlyArray<number>
  readonly witness: ReadonlyArray<number>
}

/** Who probes whom, and which of its peers that is. */
const courses = {
  live: { from: "sender", peer: 1 },
  witness: { from: "bystander", peer: 0 }
} as const

const assignment = (place: Place, peers: ReadonlyArray<string>): Assignment => ({
  data: place.data,
  ...(place.database === undefined ? {} : { database: place.database }),
  port: place.port,
  peers,
  seed: 1,
  load: false,
  lanes: 1,
  paceMillis: 1_000
})

/** The resident set of a process and the most that it was, in bytes; Linux tells. */
const resident = async (pid: number): Promise<number> => {
  const status = await fs.readFile(`/proc/${pid}/status`, "utf8").catch(() => "")
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024
}

export const byName = <A>(make: (name: Name) => A): Readonly<Record<Name, A>> => ({
  sender: make("sender"),
  away: make("away"),
  live: make("live"),
  bystander: make("bystander"),
  witness: make("witness")
})

export class BacklogNodes {
  readonly places: Readonly<Record<Name, Place>>
  readonly nodes: Readonly<Record<Name, NodeProcess>>
  readonly options: Options
  #largest = 0

  constructor(places: Readonly<Record<Name, Place>>, options: Options) {
    this.places = places
    this.options = options
    this.nodes = byName((name) => new NodeProcess(name))
  }

  async start(): Promise<void> {
    const { away, live, witness } = this.nodes
    const addresses = (...nodes: ReadonlyArray<NodeProcess>) => nodes.map(({ life }) => life.address ?? "")
    await Promise.all([this.begin("away", []), this.begin("live", []), this.begin("witness", [])])
    await this.begin("sender", addresses(away, live))
    await this.begin("bystander", addresses(witness))
    await Promise.all(Object.values(this.nodes).map((node) => node.until("a session is live", (life) => life.live)))
  }

  begin(name: Name, peers: ReadonlyArray<string>): Promise<void> {
    return this.nodes[name].start(assignment(this.places[name], peers))
  }

  async weigh(): Promise<Weight> {
    const { sender } = this.nodes
    const before = sender.life.weights.length
    sender.order({ _tag: "Weigh" })
    return (await sender.until("it says what it holds", ({ weights }) => weights.length > before)).weights[before]!
  }

  /** The largest resident set of the sender since it was asked last. */
  async largest(): Promise<number> {
    await this.#look()
    const largest = this.#largest
    this.#largest = 0
    return largest
  }

  async #look(): Promise<void> {
    this.#largest = Math.max(this.#largest, await resident(this.nodes.sender.pid))
  }

  /** Sends probes while something goes on, or until there are enough of them; what they took. */
  async probing(what: string, meanwhile?: () => Promise<unknown>): Promise<Probes> {
    const until = meanwhile?.()
    const looks = setInterval(() => void this.#look(), 100)
    try {
      const [live, witness] = await Promise.all([this.#probe("live", until), this.#probe("witness", until)])
      this.options.progress?.(`${what}: ${live.length} probes`)
      return { live, witness }
    } finally {
      clearInterval(looks)
    }
  }

  async #probe(name: keyof Probes, meanwhile: Promise<unknown> | undefined): Promise<ReadonlyArray<number>> {
    const { from, peer } = courses[name]
    const { [from]: prober, [name]: probed } = this.nodes
    const { everyMillis, probes } = this.options
    const before = probed.life.probes.length
    prober.order({ _tag: "Probe", peer, everyMillis })
    await (meanwhile ?? probed.until("there are enough probes", (life) => life.probes.length >= before + probes))
    prober.order({ _tag: "Probe", peer, everyMillis: 0 })
    const { probed: sent } = await prober.until("it has stopped to probe", (life) => life.probed > 0)
    await probed.until("all probes have arrived", (life) => life.probes.length >= sent)
    return probed.life.probes.slice(before)
  }

  async pile(): Promise<unknown> {
    const { bytes, each, messages } = this.options
    const { sender } = this.nodes
    sender.order({ _tag: "Pile", peer: 0, messages, each, bytes })
    return sender.until("everything is piled up", (life) => life.piled >= messages, patience)
  }

  drained(messages: number): Promise<unknown> {
    return this.nodes.away.until(`${messages} messages have arrived`, (life) => life.arrived >= messages, patience)
  }

  async discard(): Promise<void> {
    await Promise.all(Object.values(this.nodes).map((node) => node.discard()))
    await Promise.all(Object.values(this.places).map((place) => place.dispose()))
  }
}
