/**
 * Where nodes are: their addresses, the names that stand for them, and what becomes of looking a name up.
 *
 * A node called "a" is found as "a.sim". Names of people's own, and addresses that nobody has, lead nowhere.
 */
import type { World } from "../world/World.ts"
import { Host } from "./Host.ts"
import type { NetModel } from "./NetModel.ts"

export type DnsFault = "unknown" | "slow" | "elsewhere"

/** What a name leads to: a host, an address that nobody has, or nothing. */
export interface Answer {
  readonly to: Host | "nowhere" | "unknown"
  /** Microseconds that looking it up takes. */
  readonly after: number
}

interface Rule {
  readonly node: string
  readonly how: DnsFault
  /** Where `elsewhere` is. */
  readonly to: Host | "nowhere"
  touched: number
}

const suffix = ".sim"
const loopback = /^(127\..*|localhost|::1)$/
const isAddress = (text: string): boolean => /^[0-9.]+$/.test(text) || text.includes(":")

/** How long a slow look-up takes, in microseconds. */
const slowest = 15_000_000
const quickestSlow = 500_000
/** An answer that there is no such name. */
const denial = 5_000

export class Names {
  readonly #world: World
  readonly #model: NetModel
  readonly #hosts = new Map<string, Host>()
  readonly #addresses = new Map<string, Host>()
  readonly #rules = new Set<Rule>()
  #given = 0

  constructor(world: World, model: NetModel) {
    this.#world = world
    this.#model = model
  }

  /** The machine of a node; there is one as soon as anybody asks. */
  host(name: string): Host {
    let host = this.#hosts.get(name)
    if (host === undefined) {
      host = new Host(name, this.#newAddress(), this.#model)
      this.#hosts.set(name, host)
      this.#addresses.set(host.address, host)
    }
    return host
  }

  nameOf(node: string): string {
    return `${node}${suffix}`
  }

  /** Gives it a new address; its name follows. */
  move(host: Host): void {
    this.#addresses.delete(host.address)
    host.address = this.#newAddress()
    this.#addresses.set(host.address, host)
  }

  /** Whether a host may listen there. */
  isOwn(host: Host, text: string): boolean {
    return (
      text === host.address || text === this.nameOf(host.name) || /^(0\.0\.0\.0|::)$/.test(text) || loopback.test(text)
    )
  }

  resolve(text: string, from: Host): Answer {
    if (loopback.test(text)) return { to: from, after: 0 }
    if (isAddress(text)) return { to: this.#addresses.get(text) ?? "nowhere", after: 0 }
    const host = text.endsWith(suffix) ? this.#hosts.get(text.slice(0, -suffix.length)) : undefined
    if (host === undefined) return { to: "unknown", after: denial }
    let answer: Answer = { to: host, after: 0 }
    for (const rule of this.#rules) {
      if (rule.node !== host.name) continue
      rule.touched++
      if (rule.how === "unknown") return { to: "unknown", after: denial }
      if (rule.how === "elsewhere") answer = { ...answer, to: rule.to }
      else answer = { ...answer, after: this.#world.rng("net/dns").between(quickestSlow, slowest) }
    }
    return answer
  }

  /** Returns what ends it, and says how many look-ups have felt it. */
  disturb(node: string, how: DnsFault): () => number {
    const rule: Rule = { node, how, to: how === "elsewhere" ? this.#elsewhere(node) : "nowhere", touched: 0 }
    this.#rules.add(rule)
    return () => {
      this.#rules.delete(rule)
      return rule.touched
    }
  }

  heal(): void {
    this.#rules.clear()
    for (const host of this.#hosts.values()) {
      host.backlogs.clear()
      host.capacities.clear()
      host.admit()
    }
  }

  /** Another node, or an address that nobody has. */
  #elsewhere(node: string): Host | "nowhere" {
    const rng = this.#world.rng("net/dns")
    const others = [...this.#hosts.values()].filter(({ name }) => name !== node)
    return rng.below(2) === 0 ? "nowhere" : (rng.pick(others) ?? "nowhere")
  }

  #newAddress(): string {
    const number = ++this.#given
    return `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`
  }
}
