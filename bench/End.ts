/**
 * The two ends of a benchmark are processes of their own, so that neither works in the other's time. The program that
 * measures forks them and calls their functions over the channel that `fork` gives.
 *
 * An end goes away with the program that started it, and an end that dies fails every call that waits for it.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

/** What an end can do, by name. Arguments and results go through structured clones. */
export type Functions = Readonly<Record<string, (argument: never) => unknown>>

export type Argument<F> = F extends (argument: infer A) => unknown ? A : never
export type Result<F> = F extends (argument: never) => infer R ? Awaited<R> : never

interface Call {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** What every end can be asked besides its own functions. */
const cpuTime = "End.cpu"
const common: Functions = {
  [cpuTime]: () => {
    const { system, user } = process.cpuUsage()
    return user + system
  }
}

/** Milliseconds after which a call that is not answered has failed. */
const silence = 600_000
/** Milliseconds that an end has to go away by itself. */
const patience = 10_000

export class End<F extends Functions> {
  readonly #child: ChildProcess
  readonly #name: string
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>()
  readonly #exited: Promise<unknown>
  #last = 0

  /** Forks `file`, which calls `serve`. Its output goes to the standard error of this program. */
  constructor(
    file: URL,
    options: {
      readonly arguments?: ReadonlyArray<string>
      readonly execArgv?: ReadonlyArray<string>
      /** How many files it may have open; as many as this program by default. */
      readonly openFiles?: number
      /** Variables of its own, beside those of this program. */
      readonly env?: Readonly<Record<string, string>>
    } = {}
  ) {
    this.#name = fileURLToPath(file)
    const execArgv = ["--expose-gc", ...profiling(options.arguments), ...(options.execArgv ?? [])]
    this.#child = fork(this.#name, [...(options.arguments ?? [])], {
      ...(options.openFiles === undefined ? { execArgv } : limited(options.openFiles, execArgv)),
      env: { ...process.env, ...options.env },
      serialization: "advanced",
      stdio: ["ignore", 2, 2, "ipc"]
    })
    this.#exited = once(this.#child, "exit")
    this.#child.on("message", ({ error, id, value }: Reply) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(value as never)
      else waiting?.reject(new Error(`${this.#name}: ${error}`))
    })
    this.#child.on("exit", (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${this.#name} ended: ${signal ?? code}`))
      this.#waiting.clear()
    })
  }

  call<K extends keyof F & string>(name: K, argument: Argument<F[K]>): Promise<Result<F[K]>> {
    return this.#ask<Result<F[K]>>(name, argument)
  }

  /** Microseconds that the process has computed so far, in its own code and in the system's. */
  cpu(): Promise<number> {
    return this.#ask<number>(cpuTime, undefined)
  }

  #ask<R>(name: string, argument: unknown): Promise<R> {
    return new Promise((resolve, reject) => {
      const call: Call = { id: ++this.#last, name, argument }
      const fail = (error: Error) => {
        this.#waiting.delete(call.id)
        reject(error)
      }
      const late = setTimeout(
        () => fail(new Error(`${this.#name} has not answered "${name}" in ${silence} ms`)),
        silence
      )
      const answered =
        <A>(then: (value: A) => void) =>
        (value: A) => {
          clearTimeout(late)
          then(value)
        }
      this.#waiting.set(call.id, { resolve: answered(resolve), reject: answered(reject) })
      this.#child.send(call, (error) => {
        if (error !== null) answered(fail)(error)
      })
    })
  }

  /** By its own id. To SIGKILL its end is waited for. */
  async signal(signal: "SIGSTOP" | "SIGCONT" | "SIGKILL"): Promise<void> {
    this.#child.kill(signal)
    if (signal === "SIGKILL") await this.#exited
  }

  /** Lets it go, and ends it if it does not. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), patience)
    await this.#exited
    clearTimeout(timer)
  }
}

/** The shell can say how many files a program may open; Node cannot. */
const limited = (files: number, execArgv: ReadonlyArray<string>) => ({
  execPath: "/bin/sh",
  execArgv: ["-c", `ulimit -n ${files} && exec '${process.execPath}' ${execArgv.join(" ")} "$0" "$@"`]
})

/** With `HOLDFAST_BENCH_PROFILE=<folder>` every end leaves a CPU profile there, named after its arguments. */
const profiling = (named: ReadonlyArray<string> = []): ReadonlyArray<string> => {
  const folder = process.env["HOLDFAST_BENCH_PROFILE"]
  if (folder === undefined || folder === "") return []
  const name = `${named
    .join("-")
    .replaceAll(/[^a-z0-9-]/gi, "_")
    .slice(0, 80)}-${process.pid}-${++profiles}.cpuprofile`
  return ["--cpu-prof", "--cpu-prof-interval", "200", `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}`]
}
let profiles = 0

/** In the forked process: answers calls until the program that forked it lets go, then runs `close` and exits. */
export const serve = (functions: Functions, close: () => unknown = () => undefined): void => {
  process.on("message", ({ argument, id, name }: Call) => {
    const answer = async (): Promise<Reply> => {
      try {
        const called = functions[name] ?? common[name]
        if (called === undefined) throw new Error(`there is no "${name}"`)
        return { id, value: await called(argument as never) }
      } catch (cause) {
        return { id, error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) }
      }
    }
    void answer().then((reply) => process.connected && process.send?.(reply))
  })
  process.on("disconnect", () => {
    setTimeout(() => process.exit(1), patience / 2).unref()
    void Promise.resolve(close()).finally(() => process.exit(0))
  })
}

/** The collection that gives pages back to the system as well: what is left is in use. */
const lastResort = { type: "major", execution: "sync", flavor: "last-resort" } as const

/** Collects garbage until nothing is left to collect, then says what is in use. */
export const memory = async (): Promise<{ readonly heap: number; readonly rss: number }> => {
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.(lastResort)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const { heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed, rss }
}

/** Nanoseconds of a clock that all processes of one machine share, as a number. */
export const now = (): number => Number(process.hrtime.bigint())
