/**
 * One node process of a crash test, over all its lives: starts it, gives it orders, waits for what it reports, kills
 * it, and remembers what it logged. Every wait ends by an event of the process or fails after a limit.
 */
import { type ChildProcess, fork } from "node:child_process"
import * as os from "node:os"
import * as path from "node:path"
import { Schema } from "effect"
import { bundled } from "../Bundled.ts"
import { type Assignment, decodeReport, type Order, type Weight } from "./Talk.ts"

const program = await bundled("test/support/crashing/node.ts")
/** How long anything that has to happen may take, in milliseconds. It ends what hangs; a busy machine never reaches it. */
const patience = 180_000
/** Log lines of one life that are kept for whoever asks why. */
const keptLines = 2_000

const LogLine = Schema.fromJsonString(
  Schema.Struct({
    level: Schema.String,
    message: Schema.Unknown,
    annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
  })
)
const decodeLine = Schema.decodeUnknownOption(LogLine)

/** What one life of the process has shown so far. */
export interface Life {
  readonly startedAt: number
  /** It waits until it owns the node. */
  readonly standsBy: boolean
  /** When it said that it runs. */
  readonly readyAt: number
  readonly address: string | undefined
  readonly live: boolean
  /** Sessions that have begun and ended in this life. */
  readonly sessions: number
  readonly ended: ReadonlyArray<string>
  readonly arrived: number
  /** When the newest of those was sent. */
  readonly newest: number
  readonly sent: number
  /** How often a fiber was held. */
  readonly held: number
  /** Messages of a pile that are committed. */
  readonly piled: number
  /** How many probes it had sent when it was told to stop; 0 while it sends any. */
  readonly probed: number
  /** Microseconds from sending each probe to its effect here, in the order of the effects. */
  readonly probes: ReadonlyArray<number>
  readonly weights: ReadonlyArray<Weight>
  readonly sending: boolean
  readonly drained: boolean
  readonly exit: { readonly at: number; readonly code: number | null; readonly signal: string | null } | undefined
}

export interface Logged {
  readonly level: string
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

const born = (): Life => ({
  startedAt: Date.now(),
  standsBy: false,
  readyAt: 0,
  address: undefined,
  live: false,
  sessions: 0,
  ended: [],
  arrived: 0,
  newest: 0,
  sent: 0,
  held: 0,
  piled: 0,
  probed: 0,
  probes: [],
  weights: [],
  sending: true,
  drained: false,
  exit: undefined
})

export class NodeProcess {
  readonly name: string
  readonly #waiting = new Set<() => void>()
  #child: ChildProcess | undefined
  #life: Life = born()
  #lines: Array<string> = []

  constructor(name: string) {
    this.name = name
  }

  get life(): Life {
    return this.#life
  }
  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Begins a life; returns when the node is running. */
  async start(assignment: Assignment): Promise<void> {
    this.#begin(assignment)
    await this.until("it runs", (life) => life.address !== undefined)
  }

  /** Begins a life; returns when it waits for another process to give the node up. */
  async standBy(assignment: Assignment): Promise<void> {
    this.#begin(assignment)
    await this.until("it stands by", (life) => life.standsBy)
  }

  #begin(assignment: Assignment): void {
    this.#life = born()
    this.#lines = []
    const child = fork(program, [JSON.stringify(assignment)], {
      // Lives are short: most of one would go into optimising the embedded database.
      execArgv: ["--liftoff-only", "--expose-gc"],
      env: { NODE_COMPILE_CACHE: path.join(os.tmpdir(), "holdfast-test-compile-cache"), ...process.env },
      stdio: ["ignore", "pipe", "pipe", "ipc"]
    })
    this.#child = child
    const change = (part: Partial<Life>): void => {
      if (this.#child !== child) return
      this.#life = { ...this.#life, ...part }
      for (const look of this.#waiting) look()
    }
    child.on("message", (message) => {
      const report = decodeReport(message)
      switch (report._tag) {
        case "StandsBy":
          return change({ standsBy: true, live: false })
        case "Ready":
          return change({ standsBy: false, live: false, address: report.address, readyAt: Date.now() })
        case "Session":
          return report.live
            ? change({ live: true, sessions: this.#life.sessions + 1 })
            : change({ live: false, ended: [...this.#life.ended, report.reason ?? ""] })
        case "Held":
          return change({ held: this.#life.held + 1 })
        case "Arrived":
          return change({ arrived: report.count, newest: report.newest })
        case "Sent":
          return change({ sent: report.count })
        case "Piled":
          return change({ piled: report.count })
        case "ProbesSent":
          return change({ probed: report.count })
        case "Probed":
          return change({ probes: [...this.#life.probes, report.micros] })
        case "Weighed":
          return change({ weights: [...this.#life.weights, report.weight] })
        case "Sending":
          return change({ sending: report.on })
        case "Drained":
          return change({ drained: true })
      }
    })
    child.on("exit", (code, signal) => change({ live: false, exit: { at: Date.now(), code, signal } }))
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ""
      stream?.on("data", (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split("\n")
        rest = lines.pop() ?? ""
        this.#lines.push(...lines)
        if (this.#lines.length > keptLines) this.#lines.splice(0, this.#lines.length - keptLines)
        change({})
      })
    }
  }

  order(order: Order): void {
    if (order._tag === "Drain") this.#life = { ...this.#life, drained: false }
    if (order._tag === "Probe") this.#life = { ...this.#life, probed: 0 }
    this.#child?.send(order)
  }

  /** Waits until the process has shown what is asked for; rejects if it ends before or nothing comes of it. */
  until(what: string, shown: (life: Life) => boolean, within = patience): Promise<Life> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        act()
      }
      const fail = (why: string) =>
        settle(() => reject(new Error(`node ${this.name}: ${why} while waiting until ${what}\n${this.tail()}`)))
      const look = (): void => {
        const life = this.#life
        if (shown(life)) settle(() => resolve(life))
        else if (life.exit !== undefined) fail(`ended (code ${life.exit.code}, signal ${life.exit.signal})`)
      }
      const timer = setTimeout(() => fail(`nothing for ${within} ms`), within)
      this.#waiting.add(look)
      look()
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  /** SIGTERM; returns how the process ended, after how many milliseconds. */
  async stop(): Promise<{ readonly code: number | null; readonly millis: number }> {
    const asked = Date.now()
    this.signal("SIGTERM")
    const { exit } = await this.until("it has ended", (life) => life.exit !== undefined)
    return { code: exit?.code ?? null, millis: (exit?.at ?? asked) - asked }
  }

  /** For the end of a test, whatever became of it. */
  async discard(): Promise<void> {
    if (this.#child === undefined || this.#life.exit !== undefined) return
    this.signal("SIGKILL")
    await this.until("it is gone", (life) => life.exit !== undefined)
  }

  /** What this life has logged. */
  logged(): ReadonlyArray<Logged> {
    return this.#lines.flatMap((line) => {
      const decoded = decodeLine(line)
      if (decoded._tag === "None") return []
      const { annotations, level, message } = decoded.value
      return [{ level, message: String(Array.isArray(message) ? message[0] : message), annotations: annotations ?? {} }]
    })
  }

  tail(): string {
    return this.#lines.slice(-30).join("\n")
  }
}
