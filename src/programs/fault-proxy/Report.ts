/**
 * What the proxy says while it runs: one line for everything that happens, for people or as JSON.
 */
import type { FaultPlan } from "../../testing/faults/FaultPlan.ts"
import { describeFault, span } from "../../testing/faults/Words.ts"
import type { FaultProxy, Progress } from "../../testing/proxy/FaultProxy.ts"
import type { Route } from "../../testing/proxy/Route.ts"
import { bold, dim, green, red, yellow } from "../cli/Style.ts"
import { table } from "../cli/Table.ts"

export interface Report {
  /** Where to dial, what is to come, and what was left out. */
  readonly ready: (proxy: FaultProxy) => void
  /** The plan begins: times count from now. */
  readonly begun: () => void
  readonly progress: (progress: Progress) => void
  /** Every fault of the plan is over. */
  readonly done: () => void
  /** The proxy is told to stop: what has gone through, and which faults nothing has felt. */
  readonly stopped: (proxy: FaultProxy) => void
}

export interface Options {
  readonly routes: ReadonlyArray<Route>
  readonly plan: FaultPlan
  readonly seed: number
  readonly json: boolean
  /** Whether the plan begins with the first connection. */
  readonly onDial: boolean
  /** Milliseconds. */
  readonly now: () => number
  readonly print: (line: string) => void
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`

const ends = (proxy: FaultProxy, { routes }: Options) =>
  routes.map(({ from, target, to }) => ({
    from,
    to,
    dial: String(proxy.endpoint(from, to)),
    target: String(target)
  }))

/** Entries that have begun and that nothing has felt, to this moment. */
class Felt {
  readonly #idle = new Map<number, string>()

  note(progress: Progress): void {
    if (progress._tag === "Over" && progress.touched === 0)
      this.#idle.set(progress.index, describeFault(progress.fault))
  }

  get idle(): ReadonlyArray<{ readonly index: number; readonly fault: string }> {
    return Array.from(this.#idle, ([index, fault]) => ({ index, fault }))
  }
}

const forMachines = (options: Options): Report => {
  const felt = new Felt()
  let start = options.now()
  const say = (event: string, more: object) =>
    options.print(JSON.stringify({ event, at: Math.round(options.now() - start), ...more }))
  return {
    ready: (proxy) => {
      const { plan, seed } = options
      const faults = plan.faults.length - proxy.ignored.length
      say("ready", { routes: ends(proxy, options), seed, faults, duration: plan.duration, ignored: proxy.ignored })
    },
    begun: () => {
      start = options.now()
      say("begun", {})
    },
    progress: (progress) => {
      felt.note(progress)
      const { fault, index } = progress
      const touched = progress._tag === "Over" ? { touched: progress.touched } : {}
      say(progress._tag === "Over" ? "over" : "fault", { index, fault: describeFault(fault), ...touched })
    },
    done: () => say("done", {}),
    stopped: (proxy) => say("stopped", { traffic: proxy.traffic(), notFelt: felt.idle })
  }
}

const forPeople = (options: Options): Report => {
  const felt = new Felt()
  let start = options.now()
  const say = (what: string, words: string) => {
    const at = `${((options.now() - start) / 1_000).toFixed(3)} s`
    options.print(`${dim(at.padStart(11))}  ${what}  ${words}`)
  }
  return {
    ready: (proxy) => {
      const { onDial, plan, print, seed } = options
      const rows = ends(proxy, options).map(({ dial, from, target, to }) => [`${from}>${to}`, bold(dial), target])
      print(table(["ROUTE", "DIAL", "FORWARDED TO"], rows))
      for (const { index, what, why } of proxy.ignored)
        print(`${yellow("left out")}: faults[${index}], ${what}: ${why}`)
      const faults = count(plan.faults.length - proxy.ignored.length, "fault")
      const when = onDial ? "; it begins with the first connection" : ""
      print(`\n${faults} in ${span(plan.duration)}, seed ${seed}${when}`)
    },
    begun: () => {
      start = options.now()
    },
    progress: (progress) => {
      felt.note(progress)
      const words = describeFault(progress.fault)
      if (progress._tag === "Began") say(red("begins"), words)
      else say(green("over  "), `${words}: ${progress.touched === 0 ? "nothing felt it" : `felt ${progress.touched}x`}`)
    },
    done: () => say(bold("done  "), "every fault is over; connections go on until the proxy is told to stop"),
    stopped: (proxy) => {
      const { bytes, forwarded, ghosts, refused, silent } = proxy.traffic()
      const also = ghosts > 0 ? `, ${count(ghosts, "ghost")}` : ""
      const figures = [
        `${count(forwarded, "connection")} forwarded`,
        `${refused} turned away`,
        `${silent} silent`,
        count(bytes, "byte")
      ]
      options.print(`Stopped: ${figures.join(", ")}${also}`)
      for (const { fault, index } of felt.idle) options.print(`${yellow("nothing felt")} faults[${index}]: ${fault}`)
    }
  }
}

export const make = (options: Options): Report => (options.json ? forMachines(options) : forPeople(options))
