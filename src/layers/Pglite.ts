/**
 * The embedded database: PGlite in a folder or in memory, behind the same wire driver as a PostgreSQL server.
 *
 * Commits are durable: they are on the disk before they are answered (PGlite's own default leaves that to the
 * operating system). One session exists at a time. When the driver opens another one, or the old one ends, an open
 * transaction is rolled back and the session's state is reset, as a server does. Every statement runs to its end
 * within one call, so an interrupted fiber never leaves a statement half done. When the engine dies (a full disk
 * while it writes its log, say), statements fail with a retryable error and the next one opens the folder again.
 *
 * Two processes must not open one folder at the same time: hold its lock (see `DataFolder`).
 */
import { PgClient, type PgConnection } from "@effect/sql-pg"
import { PGlite } from "@electric-sql/pglite"
import { Effect, Layer, Queue, Scheduler } from "effect"
import type { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { Duplex } from "node:stream"
import { EmbeddedDatabaseUnusable } from "./DatabaseErrors.ts"
import * as PgliteFolder from "./PgliteFolder.ts"
import * as Postgres from "./Postgres.ts"

/** Where the database lives. */
export interface Options {
  /** Its folder, made if need be; its parent must exist. `undefined` keeps everything in memory. */
  readonly dataDir: string | undefined
  /** Leave forcing the disk to the operating system: faster, and a power cut can undo commits. */
  readonly allowDataLoss?: boolean | undefined
  /** What a new database begins with, as PGlite's `dumpDataDir` writes it. Several times faster than an empty one. */
  readonly dump?: Blob | undefined
}

/** The part of PGlite's runtime that the engine drives. */
interface Runtime {
  readonly wasmMemory: { readonly buffer: ArrayBuffer }
  readonly addFunction: (callback: (pointer: number, length: number) => number, signature: string) => number
  readonly stackSave: () => number
  readonly stackRestore: (pointer: number) => void
  readonly _pgl_set_rw_cbs: (read: number, write: number) => void
  readonly _pgl_getMyProcPort: () => number
  readonly _ProcessStartupPacket: (port: number, tlsDone: boolean, gssDone: boolean) => number
  readonly _pgl_sendConnData: () => void
  readonly _pgl_pq_flush: () => void
  readonly _pq_buffer_remaining_data: () => number
  readonly _PostgresMainLoopOnce: () => void
  readonly _PostgresMainLongJmp: () => void
  readonly _PostgresSendReadyForQueryIfNecessary: () => void
  readonly _IsTransactionBlock: () => number
}

/** The status with which the runtime leaves its main loop after an SQL error; any other exception is its end. */
const sqlErrorStatus = 100
const startupVersion = 196_608
const tlsRequest = 80_877_103
const nothing = Buffer.alloc(0)

const simpleQuery = (sql: string): Buffer => {
  const text = Buffer.from(`${sql}\0`)
  const head = Buffer.alloc(5)
  head.write("Q", "latin1")
  head.writeInt32BE(text.length + 4, 1)
  return Buffer.concat([head, text])
}

/**
 * One running PGlite instance.
 *
 * It drives PGlite's main loop itself instead of calling `execProtocolRaw`: that function parses every answer, copies
 * it three times, and loops for ever when the database process inside has ended.
 */
class Instance {
  dead: Error | undefined
  private input: Uint8Array = nothing
  private offset = 0
  private output: Array<Uint8Array> = []
  private readonly runtime: Runtime
  readonly pg: PGlite
  constructor(pg: PGlite) {
    this.pg = pg
    const runtime: Runtime = pg.Module
    this.runtime = runtime
    let bytes = new Uint8Array(runtime.wasmMemory.buffer)
    /** The memory moves when it grows, which leaves the old view empty. */
    const memory = (): Uint8Array => (bytes.length === 0 ? (bytes = new Uint8Array(runtime.wasmMemory.buffer)) : bytes)
    const read = runtime.addFunction((pointer, length) => {
      const part = this.input.subarray(this.offset, this.offset + length)
      memory().set(part, pointer)
      this.offset += part.length
      return part.length
    }, "ipi")
    const write = runtime.addFunction((pointer, length) => {
      // A copy: this memory is written again before the driver reads the answer.
      this.output.push(memory().slice(pointer, pointer + length))
      return length
    }, "ipi")
    runtime._pgl_set_rw_cbs(read, write)
  }
  get inTransaction(): boolean {
    return this.runtime._IsTransactionBlock() !== 0
  }
  private answer(): Uint8Array {
    const [first, ...more] = this.output
    this.output = []
    this.input = nothing
    return first === undefined ? nothing : more.length === 0 ? first : Buffer.concat([first, ...more])
  }
  private feed(message: Uint8Array): void {
    if (this.dead !== undefined) throw this.dead
    this.input = message
    this.offset = 0
    this.output = []
  }
  start(packet: Uint8Array): Uint8Array {
    this.feed(packet)
    const runtime = this.runtime
    if (runtime._ProcessStartupPacket(runtime._pgl_getMyProcPort(), true, true) !== 0) {
      throw new Error("the start-up packet was refused")
    }
    runtime._pgl_sendConnData()
    runtime._pgl_pq_flush()
    return this.answer()
  }
  /** Runs whole wire messages to their end and returns the whole answer. Throws once the engine has died. */
  run(messages: Uint8Array): Uint8Array {
    this.feed(messages)
    const runtime = this.runtime
    try {
      while (this.offset < messages.length || runtime._pq_buffer_remaining_data() > 0) {
        const stack = runtime.stackSave()
        try {
          runtime._PostgresMainLoopOnce()
        } catch (cause) {
          runtime.stackRestore(stack)
          if (!(cause instanceof Object) || !("status" in cause) || cause.status !== sqlErrorStatus) throw cause
          runtime._PostgresMainLongJmp()
        }
      }
      runtime._PostgresSendReadyForQueryIfNecessary()
      runtime._pgl_pq_flush()
      return this.answer()
    } catch (cause) {
      this.dead = new Error("the embedded database stopped", { cause })
      throw this.dead
    }
  }
}

type Listener = Queue.Queue<PgConnection.Notification, SqlError>

/**
 * After so many answers in a row the next one waits for a turn of the event loop. Answers come within the call that
 * asks, so without this a busy database would keep sockets and timers waiting for as long as it is busy.
 */
const burst = 16

/** The database as a server sees itself: at most one session, an instance that can be replaced after its end. */
class Engine {
  readonly listeners = new Map<string, Set<Listener>>()
  private answers = 0
  private closed = false
  private session: Session | undefined
  private instance: Instance
  private reopening: Promise<void> | undefined
  private readonly reopen: (() => Promise<PGlite>) | undefined
  private readonly dispatcher: Scheduler.SchedulerDispatcher
  constructor(pg: PGlite, reopen: (() => Promise<PGlite>) | undefined, dispatcher: Scheduler.SchedulerDispatcher) {
    this.instance = new Instance(pg)
    this.reopen = reopen
    this.dispatcher = dispatcher
  }
  readonly connect = (): Duplex => new Session(this)

  /** Makes `session` the one session. What the one before it left is gone when this returns. */
  async begin(session: Session, packet: Uint8Array): Promise<Uint8Array> {
    if (this.instance.dead !== undefined) {
      if (this.reopen === undefined || this.closed) throw this.instance.dead
      this.reopening ??= this.reopen()
        .then((pg) => {
          this.instance = new Instance(pg)
        })
        .finally(() => {
          this.reopening = undefined
        })
      await this.reopening
    }
    const before = this.session
    this.session = session
    before?.destroy(new Error("another session has taken over"))
    this.reset()
    return this.instance.start(packet)
  }
  end(session: Session): void {
    if (this.session !== session) return
    this.session = undefined
    try {
      if (this.instance.dead === undefined) this.reset()
    } catch {
      // The engine has died of it, as the next session will find out.
    }
  }
  run(session: Session, messages: Uint8Array): Uint8Array {
    if (this.session !== session) throw new Error("the session has ended")
    const answer = this.instance.run(messages)
    if (this.listeners.size > 0) this.publish(answer)
    return answer
  }
  /** Runs `deliver` at once, or in the next turn of the event loop when it is time to let others run. */
  paced(deliver: () => void): void {
    this.answers = (this.answers + 1) % burst
    if (this.answers === 0) this.dispatcher.scheduleTask(deliver, 0)
    else deliver()
  }
  async close(): Promise<void> {
    this.closed = true
    await this.reopening?.catch(() => {})
    this.session?.destroy()
    if (this.instance.dead !== undefined) return
    this.instance.dead = new Error("the embedded database is closed")
    await this.instance.pg.close()
  }

  private reset(): void {
    if (this.instance.inTransaction) this.instance.run(simpleQuery("ROLLBACK"))
    this.instance.run(simpleQuery("DISCARD ALL"))
    for (const channel of this.listeners.keys()) this.instance.run(simpleQuery(`LISTEN ${quoted(channel)}`))
  }
  /** Hands on the notifications in an answer; the driver would keep the only connection for a listener. */
  private publish(answer: Uint8Array): void {
    const view = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
    for (let at = 0; at < view.length; at += 1 + view.readInt32BE(at + 1)) {
      if (view[at] !== 0x41) continue
      const nameEnd = view.indexOf(0, at + 9)
      const payloadEnd = view.indexOf(0, nameEnd + 1)
      const channel = view.toString("utf8", at + 9, nameEnd)
      const payload = view.toString("utf8", nameEnd + 1, payloadEnd)
      const notification = { processId: view.readInt32BE(at + 5), channel, payload }
      for (const queue of this.listeners.get(channel) ?? []) Queue.offerUnsafe(queue, notification)
    }
  }
}

const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`

/** The driver's side of one session: it writes whole messages, and reads the answer within the same call. */
class Session extends Duplex {
  private readonly engine: Engine
  private started = false
  constructor(engine: Engine) {
    super({ allowHalfOpen: false })
    this.engine = engine
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (!this.started) return this.negotiate(chunk, done)
    // Terminate: what is left to do happens when the stream ends.
    if (chunk[0] === 0x58) return done()
    let answer: Uint8Array
    try {
      answer = this.engine.run(this, chunk)
    } catch (cause) {
      return done(cause instanceof Error ? cause : new Error(String(cause)))
    }
    this.engine.paced(() => {
      this.push(answer)
      done()
    })
  }
  private negotiate(chunk: Buffer, done: (error?: Error | null) => void): void {
    const request = chunk.readInt32BE(4)
    if (request === tlsRequest) {
      this.push("N")
      return done()
    }
    // A request to cancel a statement: none is ever running while another stream is served.
    if (request !== startupVersion) {
      this.push(null)
      return done()
    }
    this.engine.begin(this, chunk).then(
      (answer) => {
        this.started = true
        this.push(answer)
        done()
      },
      (cause: unknown) => done(cause instanceof Error ? cause : new Error(String(cause)))
    )
  }
  override _final(done: () => void): void {
    this.engine.end(this)
    this.push(null)
    done()
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.engine.end(this)
    done(error)
  }
}

const openEngine = Effect.fnUntraced(function* (options: Options) {
  const folder = options.dataDir
  const open = (): Promise<PGlite> =>
    folder === undefined
      ? PGlite.create({
          startParams: PgliteFolder.careless,
          ...(options.dump === undefined ? {} : { loadDataDir: options.dump })
        })
      : PgliteFolder.open(folder, options.allowDataLoss === true, options.dump)
  const pg = yield* Effect.tryPromise({
    try: open,
    catch: (cause) =>
      cause instanceof EmbeddedDatabaseUnusable
        ? cause
        : new EmbeddedDatabaseUnusable({
            dataDir: folder ?? "memory",
            problem: "could not be opened",
            fix: "See the reason.",
            cause
          })
  })
  const scheduler = yield* Scheduler.Scheduler
  return new Engine(pg, folder === undefined ? undefined : open, scheduler.makeDispatcher())
})

const make = Effect.fnUntraced(function* (options: Options) {
  const engine = yield* Effect.acquireRelease(openEngine(options), (engine) => Effect.promise(() => engine.close()))
  const client = yield* Postgres.make({
    driver: "pglite",
    stream: engine.connect,
    maxConnections: 1,
    minConnections: 1,
    username: "postgres",
    database: "postgres",
    applicationName: "holdfast",
    // Opening again after a crash replays the log.
    connectTimeout: "1 minute"
  })
  const listen: PgClient.PgClient["listen"] = Effect.fnUntraced(function* (channel) {
    const queue = yield* Queue.sliding<PgConnection.Notification, SqlError>(1024)
    yield* Effect.acquireRelease(
      Effect.suspend(() => {
        const known = engine.listeners.get(channel)
        if (known === undefined) engine.listeners.set(channel, new Set([queue]))
        else known.add(queue)
        return client.unsafe(`LISTEN ${quoted(channel)}`)
      }),
      () =>
        Effect.suspend(() => {
          const known = engine.listeners.get(channel)
          known?.delete(queue)
          if (known?.size !== 0) return Queue.shutdown(queue)
          engine.listeners.delete(channel)
          return Effect.andThen(Effect.ignore(client.unsafe(`UNLISTEN ${quoted(channel)}`)), Queue.shutdown(queue))
        })
    )
    return queue
  })
  return Object.assign(client, { listen })
})

/**
 * Opens the embedded database and provides its client; closing the scope writes everything out and closes it.
 *
 * `listen` does not keep the connection. A query that waits for a connection from inside a transaction ends by
 * `TransactionLimit`.
 */
export const layer = (
  options: Options
): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, EmbeddedDatabaseUnusable | SqlError> =>
  PgClient.layerFrom(make(options))
