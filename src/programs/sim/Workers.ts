/**
 * Processes that run seeds, as their command sees them. They end with the scope, by their own ids, whatever happens.
 */
import { Deferred, Effect, Exit, Queue, Schema, type Scope } from "effect"
import * as ChildProcess from "node:child_process"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Job, type Ran, type Ready, replies, Reply, Request, type Sample } from "./Contract.ts"
import { SimulationMisused, WorkerBroken } from "./SimExit.ts"

export interface Options {
  readonly job: Job
  /** What Node itself is given, before what this process was given. */
  readonly node?: ReadonlyArray<string> | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** The program of the worker; the one beside this module unless it is given. */
  readonly program?: string | undefined
}

export interface Worker {
  readonly pid: number
  readonly ready: Ready
  /** Milliseconds that it takes at most: ten minutes, unless it is given. */
  readonly ask: (request: Request, limit?: number) => Effect.Effect<Ran, WorkerBroken>
  /** What a long world reports while it runs. */
  readonly samples: Queue.Dequeue<Sample>
}

/** The program of a worker, with the extension that this module has: run from source or compiled. */
const program = fileURLToPath(new URL(`./worker${path.extname(import.meta.url)}`, import.meta.url))

const jobText = Schema.encodeSync(Schema.fromJsonString(Job))
const requestText = Schema.encodeSync(Schema.fromJsonString(Request))
const replyIn = Schema.decodeUnknownExit(Schema.fromJsonString(Reply))

const tenMinutes = 600_000
/** How long a scenario may take to load, in milliseconds. */
const loading = 120_000

const endOf = (code: number | null, signal: string | null): string =>
  signal === null ? `with code ${code}` : `by ${signal}`

/** Starts one, and waits until it has loaded its scenario. */
export const start = ({
  env,
  job,
  node = [],
  program: file = program
}: Options): Effect.Effect<Worker, WorkerBroken | SimulationMisused, Scope.Scope> =>
  Effect.gen(function* () {
    const samples = yield* Queue.unbounded<Sample>()
    const ready = Deferred.makeUnsafe<Ready, WorkerBroken | SimulationMisused>()
    const ended = Deferred.makeUnsafe<void>()
    let waiting: Deferred.Deferred<Ran, WorkerBroken> | undefined
    let asked: number | undefined
    let over: WorkerBroken | undefined

    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        ChildProcess.spawn(process.execPath, [...process.execArgv, ...node, file, jobText(job)], {
          env: { ...process.env, ...env },
          // What a scenario prints must not get among the results.
          stdio: ["pipe", 2, 2, "pipe"]
        })
      ),
      (child) =>
        Effect.suspend(() => {
          child.kill("SIGKILL")
          return child.pid === undefined ? Effect.void : Deferred.await(ended)
        })
    )
    const broken = (problem: string) => {
      over ??= new WorkerBroken({ problem })
      Deferred.doneUnsafe(ready, Exit.fail(over))
      if (waiting !== undefined) Deferred.doneUnsafe(waiting, Exit.fail(over))
    }
    const heard = (reply: Reply) => {
      switch (reply._tag) {
        case "Ready":
          return Deferred.doneUnsafe(ready, Exit.succeed(reply))
        case "Unable": {
          const { problem } = reply
          Deferred.doneUnsafe(ready, Exit.fail(new SimulationMisused({ problem })))
          return broken(problem)
        }
        case "Sample":
          return Queue.offerUnsafe(samples, reply)
        case "Ran": {
          const answered = waiting
          waiting = undefined
          if (answered !== undefined) Deferred.doneUnsafe(answered, Exit.succeed(reply))
        }
      }
    }
    child
      .on("close", (code, signal) => {
        const doing = asked === undefined ? "while it loaded the scenario" : `at seed ${asked}`
        broken(`a process that runs seeds ended by itself ${endOf(code, signal)} ${doing}; what it said is above`)
        Deferred.doneUnsafe(ended, Exit.void)
      })
      .on("error", ({ message }) => broken(`a process that runs seeds cannot be started: ${message}`))
    child.stdin?.on("error", () => undefined)
    const lines = child.stdio[replies]
    if (lines === null || lines === undefined || !("read" in lines)) return yield* Effect.die("no pipe for replies")
    createInterface({ input: lines }).on("line", (line) => {
      const reply = replyIn(line)
      if (Exit.isSuccess(reply)) heard(reply.value)
      else broken(`a process that runs seeds said what nobody understands: ${line.slice(0, 200)}`)
    })

    return {
      pid: child.pid ?? 0,
      ready: yield* Effect.timeoutOrElse(Deferred.await(ready), {
        duration: loading,
        orElse: () =>
          Effect.fail(new WorkerBroken({ problem: `scenario ${job.scenario} has not been loaded after ${loading} ms` }))
      }),
      samples,
      ask: (request, limit = tenMinutes) =>
        Effect.suspend(() => {
          if (over !== undefined) return Effect.fail(over)
          const answer = Deferred.makeUnsafe<Ran, WorkerBroken>()
          waiting = answer
          asked = request.seed
          child.stdin?.write(`${requestText(request)}\n`)
          return Effect.timeoutOrElse(Deferred.await(answer), {
            duration: limit,
            orElse: () =>
              Effect.fail(
                new WorkerBroken({
                  problem: `seed ${request.seed} has not ended after ${limit} ms: something in it never lets go`
                })
              )
          })
        })
    }
  })

/** Node's arguments that load a module before everything else. */
export const importing = (module: string | undefined): ReadonlyArray<string> =>
  module === undefined ? [] : ["--import", module]
