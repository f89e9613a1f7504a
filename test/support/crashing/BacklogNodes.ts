/**
 * The three nodes of the backlog test: a sender, a peer that goes away, and one that is always there and is probed.
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
  /** Probes of each calm phase at the least, and milliseconds between them. */
  readonly probes: number
  readonly everyMillis: number
  readonly progress?: (line: string) => void
}

/** How long piling up or draining may take, in milliseconds. It ends what hangs; a busy machine never reaches it. */
const patience = 1_800_000

export type Name = "sender" | "away" | "live"

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

export class BacklogNodes {
  readonly places: Readonly<Record<Name, Place>>
  readonly nodes: Readonly<Record<Name, NodeProcess>> = {
    sender: new NodeProcess("sender"),
    away: new NodeProcess("away"),
    live: new NodeProcess("live")
  }
  readonly options: Options
  #largest = 0

  constructor(places: Readonly<Record<Name, Place>>, options: Options) {
    this.places = places
    this.options = options
  }

  async start(): Promise<void> {
    const { away, live, sender } = this.nodes
    await Promise.all([this.begin("away", []), this.begin("live", [])])
    await this.begin(
      "sender",
      [away, live].map(({ life }) => life.address ?? "")
    )
    await Promise.all([away, live].map((node) => node.until("a session is live", (life) => life.live)))
    await sender.until("a session is live", (life) => life.live)
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

  /** Sends probes while something goes on, and until there are enough of them; what they took. */
  async probing(
    what: string,
    meanwhile: () => Promise<unknown> = () => Promise.resolve()
  ): Promise<ReadonlyArray<number>> {
    const { live, sender } = this.nodes
    const { everyMillis, probes, progress } = this.options
    const before = live.life.probes.length
    sender.order({ _tag: "Probe", peer: 1, everyMillis })
    const looks = setInterval(() => void this.#look(), 100)
    try {
      await meanwhile()
      await live.until("there are enough probes", (life) => life.probes.length >= before + probes)
    } finally {
      clearInterval(looks)
    }
    sender.order({ _tag: "Probe", peer: 1, everyMillis: 0 })
    const { probed } = await sender.until("it has stopped to probe", (life) => life.probed > 0)
    await live.until("all probes have arrived", (life) => life.probes.length >= probed)
    const taken = live.life.probes.slice(before)
    progress?.(`${what}: ${taken.length} probes`)
    return taken
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
