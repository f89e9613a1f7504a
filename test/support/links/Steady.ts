/**
 * Three programs `holdfast start` that are connected to each other and left alone: what their metrics say after so many
 * minutes.
 */
import { Schema } from "effect"
import * as assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { HoldfastProcess, temporaryFolder } from "../../programs/HoldfastProcess.ts"
import { slope } from "./Resources.ts"

export interface Options {
  readonly minutes: number
  /** Of what is noticed meanwhile. */
  readonly onProgress?: (line: string) => void
}

export interface NodeFigures {
  /** Sessions that there are, that have begun, and that have ended, for any reason. */
  readonly sessions: number
  readonly started: number
  readonly ended: number
  /** Pongs in time, of the pings that are not in flight, in percent; and the pings. */
  readonly pingSuccess: number
  readonly pings: number
  /** Of one core, in percent. */
  readonly cpu: number
  /** What the heap keeps, in MiB: at the middle of the time, at its end, and the growth in an hour since the middle. */
  readonly heap: readonly [middle: number, end: number, eachHour: number]
}

export interface Figures {
  readonly minutes: number
  readonly nodes: ReadonlyArray<NodeFigures>
}

/** How often each is asked, in milliseconds, and how long before it collects its garbage, once in a minute. */
const every = 10_000
const collecting = 500
const perMinute = 60_000 / every
const mebi = 2 ** 20

/** The sum of all series of this name, and of these labels if they are given. */
const sumOf = (text: string, name: string, labels = ""): number =>
  text
    .split("\n")
    .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0)

const readyIn = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ address: Schema.String, api: Schema.String }))
)

interface Node {
  readonly process: HoldfastProcess
  readonly address: string
  readonly metrics: () => Promise<string>
}

const start = async (data: string, args: ReadonlyArray<string>, children: Array<HoldfastProcess>): Promise<Node> => {
  const collector = new URL("collectOnSignal.ts", import.meta.url).href
  const process = new HoldfastProcess(["start", "--data", data, "--json", "--listen", "127.0.0.1:0", ...args], {
    NODE_OPTIONS: `--expose-gc --import=${collector}`
  })
  children.push(process)
  const { address, api } = readyIn(await process.line('"node"'))
  const token = (await readFile(join(data, "api.token"), "utf8")).trim()
  const metrics = async () => {
    const answer = await fetch(new URL("/metrics", api), { headers: { authorization: `Bearer ${token}` } })
    assert.equal(answer.status, 200)
    return answer.text()
  }
  return { process, address, metrics }
}

const isComplete = async (nodes: ReadonlyArray<Node>): Promise<boolean> => {
  const texts = await Promise.all(nodes.map(({ metrics }) => metrics()))
  return texts.every((text) => sumOf(text, "holdfast_link_sessions") === nodes.length - 1)
}

interface Sample {
  readonly at: number
  readonly text: string
}

const figuresOf = (samples: ReadonlyArray<Sample>): NodeFigures => {
  const [first, last] = [samples[0]!, samples.at(-1)!]
  const of = (name: string, labels?: string) => sumOf(last.text, name, labels)
  const sent = of("holdfast_link_pings_sent_total")
  const judged = sent - of("holdfast_link_pings_in_flight") - of("holdfast_link_pings_abandoned_total")
  const cpu = of("process_cpu_seconds_total") - sumOf(first.text, "process_cpu_seconds_total")
  const collected = samples.filter((_, index) => index % perMinute === 0)
  const heaps = collected
    .slice(Math.floor(collected.length / 2))
    .map(({ text }) => sumOf(text, "nodejs_heap_size_used_bytes") / mebi)
  const rounded = (value: number) => Math.round(value * 100) / 100
  return {
    sessions: of("holdfast_link_sessions"),
    started: of("holdfast_link_sessions_started_total"),
    ended: of("holdfast_link_sessions_ended_total"),
    pingSuccess: rounded((100 * of("holdfast_link_pongs_total", 'result="in_time"')) / judged),
    pings: sent,
    cpu: rounded((100_000 * cpu) / (last.at - first.at)),
    heap: [rounded(heaps[0] ?? Number.NaN), rounded(heaps.at(-1) ?? Number.NaN), rounded(60 * slope(heaps).each)]
  }
}

export const run = async ({ minutes, onProgress = () => undefined }: Options): Promise<Figures> => {
  const folder = await temporaryFolder()
  const nodes: Array<Node> = []
  const children: Array<HoldfastProcess> = []
  // They would outlive a program that is told to stop.
  const abandon = () => children.forEach((child) => child.signal("SIGKILL"))
  process.once("exit", abandon)
  try {
    for (const name of ["a", "b", "c"]) {
      const peers = nodes.flatMap(({ address }) => ["--connect", address])
      nodes.push(await start(join(folder.path, name), peers, children))
    }
    while (!(await isComplete(nodes))) await setTimeout(100)
    const samples: ReadonlyArray<Array<Sample>> = nodes.map(() => [])
    const begun = performance.now()
    for (let time = 0; time <= minutes * perMinute; time++) {
      await setTimeout(Math.max(0, begun + time * every - performance.now()))
      if (time % perMinute === 0) {
        for (const { process } of nodes) process.signal("SIGUSR2")
        await setTimeout(collecting)
      }
      const texts = await Promise.all(nodes.map(({ metrics }) => metrics()))
      for (const [index, text] of texts.entries()) samples[index]!.push({ at: performance.now(), text })
      if (time % perMinute === 0) onProgress(`${time / perMinute} of ${minutes} minutes`)
    }
    return { minutes, nodes: samples.map(figuresOf) }
  } finally {
    process.off("exit", abandon)
    for (const child of children) await child.stop()
    await folder.remove()
  }
}
