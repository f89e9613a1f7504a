/**
 * Watches the chains of all nodes from outside, commit by commit: blocks follow each other, what the program has made of them is the
 * chain that is stored, and one branch is left for a better one alone. While nothing goes wrong a new block is everywhere soon. And
 * who keeps another chain is left alone.
 *
 * It looks into databases in memory only. What the nodes of SQL databases have is read at the end.
 */
import { isDeepStrictEqual } from "node:util"
import { at, blocksIn } from "../../layers/ChainBlocksMemory.ts"
import type { MemoryDatabase } from "../../layers/MemoryDatabase.ts"
import { genesisOf } from "../../protocol/chain/Genesis.ts"
import { rulesOf } from "../../protocol/chain/NativeRules.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { Watcher, Watching } from "../cluster/Scenario.ts"
import type { SimulatedDatabase } from "../database/SimulatedDatabase.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { calm } from "../network/NetModel.ts"
import { bookIn } from "./ChainBook.ts"
import { type Cast, castOf, settingsOf } from "./ChainCast.ts"
import { ChainStack } from "./ChainStack.ts"

export const inOrder = "a block is applied once, behind the one before it"
export const forBetter = "a branch is left for a better one"
export const prompt = "a new block is everywhere soon"
export const apart = "who keeps another chain is left alone"

/** Microseconds within which a block is everywhere: one that gives no bodies costs 3 s. */
const promptly = 10_000_000
/** Microseconds before somebody with another chain is dialled again: ten minutes, by clocks that drift. */
const again = 590_000_000

interface Reading {
  readonly stack: ChainStack
  read: number
}

export class ChainWatch implements Watcher {
  readonly #watching: Watching
  readonly #cast: Cast
  readonly #calm: boolean
  readonly #readings = new Map<string, Reading>()
  /** The weights that were new when they were first stored, and when that was. */
  #news: Array<{ readonly weight: number; readonly at: number }> = []
  /** When a life has dialled a peer and learned that it keeps another chain, by both. */
  readonly #refused = new Map<string, number>()

  constructor(watching: Watching, plan: FaultPlan) {
    this.#watching = watching
    this.#cast = castOf(watching.view.nodes)
    this.#calm = plan.faults.length === 0 && plan.knobs === undefined && isDeepStrictEqual(plan.network, calm)
    for (const { name } of watching.view.nodes) watching.count(`chain: nodes that are ${this.#cast.partOf(name)}`)
  }

  readonly committed = (node: string, { memory }: SimulatedDatabase): void => {
    if (memory === undefined) return
    const book = bookIn.of(memory)
    const reading = this.#reading(node)
    if (reading.read === book.size) return
    const before = reading.stack.top
    let left = 0
    while (reading.read < book.size) {
      const entry = book.get(BigInt(++reading.read))
      if (entry === undefined) continue
      if (entry.what === "undone") left++
      this.#watching.count(`chain: blocks ${entry.what}`)
      this.#watching.note(node, "chain", { what: entry.what, height: entry.height, id: entry.id })
      const wrong = reading.stack.read(entry)
      if (wrong !== undefined) this.#watching.violated(inOrder, `${node}: ${wrong}`)
    }
    this.#stored(node, reading.stack, memory)
    const { top } = reading.stack
    if (left > 0 && !isBetter(top, before)) {
      const words = `${node} has left block ${before.id} of weight ${before.weight} for ${top.id} of ${top.weight}`
      this.#watching.violated(forBetter, words)
    }
    if (this.#cast.partOf(node) === "honest" && top.weight > (this.#news.at(-1)?.weight ?? 0))
      this.#news.push({ weight: top.weight, at: this.#watching.view.now })
  }

  readonly restored = (node: string): void => void this.#readings.delete(node)

  readonly transition = (node: string, life: number, peer: string, { detail, direction, to }: Transition): void => {
    if (!this.#differ(node, peer)) return
    if (to === "active") this.#watching.violated(apart, `${node} has a session with ${peer}`)
    if (to === "closed" && direction === "outbound" && detail?.includes("that begins with") === true) {
      this.#watching.count("chain: peers refused")
      this.#refused.set(`${node}/${life}/${peer}`, this.#watching.view.now)
    }
  }

  readonly dialled = (node: string, life: number, peer: string): void => {
    const since = this.#refused.get(`${node}/${life}/${peer}`)
    if (since === undefined || this.#watching.view.now - since >= again) return
    const seconds = Math.round((this.#watching.view.now - since) / 1_000_000)
    this.#watching.violated(apart, `${node} dials ${peer} ${seconds} s after it was known to keep another chain`)
  }

  readonly look = (): void => {
    const { now, nodes } = this.#watching.view
    const due = this.#news.findLast((news) => now - news.at >= promptly)
    if (!this.#calm || due === undefined) return
    this.#news = this.#news.filter((news) => news.at >= due.at)
    for (const { name, state } of nodes) {
      const weight = this.#readings.get(name)?.stack.top.weight ?? 0
      if (this.#cast.partOf(name) !== "honest" || state !== "running" || weight >= due.weight) continue
      this.#watching.violated(
        prompt,
        `${name} has a chain of weight ${weight} 10 s after another node had ${due.weight}`
      )
    }
  }

  #reading(node: string): Reading {
    const known = this.#readings.get(node)
    if (known !== undefined) return known
    const genesis = genesisOf(settingsOf(this.#cast, node))
    const reading = { stack: new ChainStack(genesis.id), read: 0 }
    this.#readings.set(node, reading)
    return reading
  }

  /** What is stored as the chain is what the program has been told of. */
  #stored(node: string, { top }: ChainStack, memory: MemoryDatabase["Service"]): void {
    const { name } = rulesOf(settingsOf(this.#cast, node))
    const { byHeight, tips } = blocksIn.of(memory)
    const [tip, row, beyond] = [
      tips.get(name),
      byHeight.get(at(name, top.height)),
      byHeight.get(at(name, top.height + 1))
    ]
    if (tip?.id === top.id && row?.id === top.id && beyond === undefined) return
    const words = `block ${top.id} at ${top.height} was applied last, and ${tip?.id} at ${tip?.height} is the stored tip`
    this.#watching.violated(inOrder, `${node}: ${words}`)
  }

  #differ(one: string, other: string): boolean {
    const { partOf } = this.#cast
    return (partOf(one) === "foreigner") !== (partOf(other) === "foreigner")
  }
}

interface Weighed {
  readonly id: string
  readonly weight: number
}

const isBetter = (one: Weighed, other: Weighed): boolean =>
  one.weight > other.weight || (one.weight === other.weight && one.id < other.id)
