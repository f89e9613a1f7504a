/**
 * The embedded database as a server sees itself: at most one session, an instance that is opened anew after its death,
 * and the listeners of its channels.
 *
 * A session that begins ends the one before it: an open transaction is rolled back and the session's state is reset.
 */
import type { PgConnection } from "@effect/sql-pg"
import type { PGlite } from "@electric-sql/pglite"
import { Queue, type Scheduler } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Duplex } from "node:stream"
import { Instance } from "./Instance.ts"
import { type Database, Session } from "./Session.ts"

const simpleQuery = (sql: string): Buffer => {
  const text = Buffer.from(`${sql}\0`)
  const head = Buffer.alloc(5)
  head.write("Q", "latin1")
  head.writeInt32BE(text.length + 4, 1)
  return Buffer.concat([head, text])
}

/** Takes what is notified on a channel. */
type Listener = Queue.Queue<PgConnection.Notification, SqlError>

/**
 * After so many answers in a row the next one waits for a turn of the event loop. Answers come within the call that
 * asks, so without this a busy database would keep sockets and timers waiting for as long as it is busy.
 */
const burst = 16

/** The running database; `reopen` opens another instance after the death of one, if that can be done at all. */
export class Engine implements Database {
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

/** An identifier as SQL text. */
export const quoted = (identifier: string): string => `"${identifier.replaceAll('"', '""')}"`
