/**
 * One end of a connection: what the operating system of a host does with it, and the `Socket` that a program has of it.
 *
 * The system takes bytes whether the program reads or not, up to the window; it answers what comes for a connection that
 * it no longer knows with a reset. Closing is what `TransportTcp` makes of it: an end after what was written, and for a
 * second what still comes is thrown away; what the window has not taken by then is lost. So an end that nobody holds is
 * gone as soon as its last word has crossed, whatever its peer does.
 */
import { Array as Arr, Effect } from "effect"
import * as Socket from "effect/socket/Socket"
import * as Patience from "./Patience.ts"
import type { Pipe, Receiver, Sender } from "./Pipe.ts"
import type { Stack } from "./Stack.ts"

export interface Where {
  readonly host: string
  readonly port: number
}

type Pulled = Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError>
type Written = Effect.Effect<void, Socket.SocketError>

const closedWith = (code: number) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })
const unwritable = (why: string) =>
  new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause: new Error(why) }) })

// Made once: to make an error takes longer than all the rest of a connection.
const ended = closedWith(1000)
const closedHere = closedWith(1006)
const wasReset = new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: new Error("reset by peer") }) })
const resetWhileWriting = unwritable("reset by peer")
const writtenAfterEnd = unwritable("written after the end")

export class End implements Receiver, Sender {
  readonly connection: number
  readonly stack: Stack
  readonly local: Where
  readonly remote: Where
  /** What this end writes, and what it reads. */
  out!: Pipe;
  in!: Pipe
  /** Throws away what comes and closes when the other end does: a ghost's. */
  deaf = false
  /** It was dialled, from a port of its own. */
  dialled = false
  /** Run when this end hears that it is connected. */
  onEstablished: (() => void) | undefined
  readonly socket: Socket.Socket
  /** Waiting to be accepted, in a program's hands, or closed by it. */
  #state: "waiting" | "held" | "closed" = "waiting"
  /** The system has forgotten the connection. */
  #gone = false
  #writingEnded = false
  #broken = false
  #attached = false
  #lingersUntil = 0
  #unread: Array<Uint8Array> = []
  #unreadBytes = 0
  /** What pulls fail with once everything has been read. */
  #last: Socket.SocketError | undefined
  #reader: ((pulled: Pulled) => void) | undefined
  #writers: Array<(written: Written) => void> = []
  #rousing = false

  constructor(connection: number, stack: Stack, local: Where, remote: Where) {
    this.connection = connection
    this.stack = stack
    this.local = local
    this.remote = remote
    this.socket = this.#makeSocket()
    stack.ends.add(this)
  }

  get held(): boolean {
    return this.#state === "held"
  }

  /** The program has it from now on. */
  hold(): void {
    if (this.#state !== "waiting") return
    this.#state = "held"
    this.stack.host.open++
  }

  /** The program has closed it. */
  close(): void {
    if (this.#state === "closed") return
    this.#release()
    this.stack.record("closed", { connection: this.connection, remote: this.remote.host })
    this.#rouse()
    if (this.#gone) return this.#forget()
    if (this.out.written === 0 && this.#unreadBytes > 0) return this.#vanish(() => this.out.reset())
    if (this.#unreadBytes > 0) this.in.consumed(this.#unreadBytes)
    this.#discard()
    this.out.finish()
    if (this.out.written > 0) this.#linger()
    this.#forget()
  }

  /** Before anybody knows of it, its system gives it up without a word. */
  giveUp(): void {
    this.onEstablished = undefined
    this.#release()
    if (this.#gone) this.#forget()
    else this.#vanish(() => this.out.abandon())
  }

  /** The process is dead, or will not have it. */
  drop(how: "rst" | "fin" | "silence"): void {
    this.#release()
    if (this.#gone) return this.#forget()
    this.#vanish(() => {
      if (how === "rst") return this.out.reset()
      if (how === "silence") {
        this.in.silence()
        this.out.silence()
      }
      this.out.cutShort()
    })
  }

  // What comes from the network

  readonly established = (): void => {
    const { onEstablished } = this
    this.onEstablished = undefined
    onEstablished?.()
  }

  readonly receive = (bytes: Uint8Array): void => {
    if (this.#gone) return this.out.reset()
    if (this.deaf) return this.in.consumed(bytes.length)
    if (this.#state === "closed") {
      if (this.stack.world.now < this.#lingersUntil) return this.in.consumed(bytes.length)
      return this.#vanish(() => this.out.reset())
    }
    this.#unread.push(bytes)
    this.#unreadBytes += bytes.length
    this.#rouse()
  }

  readonly receiveEnd = (): void => {
    this.#last ??= ended
    if (this.deaf) this.close()
    this.#rouse()
  }

  readonly receiveReset = (asEnd: boolean | undefined): void => {
    if (this.#gone) return
    this.stack.record("reset", { connection: this.connection, remote: this.remote.host })
    this.#broken = true
    // Nobody knows of it yet.
    if (this.onEstablished !== undefined) this.#state = "closed"
    // A reader that has paused may never see it: Node reports an end after a part of what had come.
    const truncates = asEnd ?? (this.#unread.length > 0 && this.in.path.lot(2) === 0)
    this.#vanish(() => this.out.abandon(), truncates ? this.in.path.lot(this.#unread.length + 1) : 0)
    this.#last ??= truncates ? ended : wasReset
    if (this.deaf) this.close()
    this.#rouse()
  }

  readonly flushed = (): void => {
    if (this.#writers.length > 0) this.#rouse()
  }

  readonly over = (): void => {
    if (this.#state === "closed") this.#leave()
  }

  #release(): void {
    if (this.#state === "held") this.stack.freed()
    this.#state = "closed"
  }

  #linger(): void {
    const { world } = this.stack
    this.#lingersUntil = world.now + Patience.linger
    if (!this.out.flushed) Patience.after(world, Patience.linger, () => this.out.cutShort())
  }

  /** The system forgets the connection; the first so many chunks can still be read. */
  #vanish(tell: () => void, kept = 0): void {
    this.#gone = true
    this.#discard(kept)
    tell()
    this.#forget()
  }

  #forget(): void {
    if (this.#state === "closed" && this.out.over) this.#leave()
  }

  #leave(): void {
    if (this.stack.ends.delete(this) && this.dialled) this.stack.host.givePort(this.local.port)
  }

  #discard(kept = 0): void {
    this.#unread.length = kept
    this.#unreadBytes = this.#unread.reduce((sum, { length }) => sum + length, 0)
  }

  // What the program does

  #makeSocket(): Socket.Socket {
    const write = (chunk: Uint8Array | string | Socket.CloseEvent) => this.#write([chunk])
    return Socket.make({
      reader: Effect.acquireRelease(
        Effect.sync(() => {
          this.#attached = true
          return { pull: this.#pull, upgrade: Socket.SocketUpgradeError.unsupported }
        }),
        () => Effect.sync(this.#detach)
      ),
      writer: Effect.acquireRelease(
        Effect.sync(() => ({ write, writeAll: (chunks: ReadonlyArray<Uint8Array | string>) => this.#write(chunks) })),
        () => Effect.sync(this.#endWriting)
      )
    })
  }

  readonly #pull: Pulled = Effect.callback((resume) => {
    const pulled = this.#pulled()
    if (pulled !== undefined) return resume(pulled)
    this.#reader = resume
    return Effect.sync(() => {
      if (this.#reader === resume) this.#reader = undefined
    })
  })

  readonly #detach = (): void => {
    this.#attached = false
    this.#rouse()
  }

  readonly #endWriting = (): void => {
    if (this.#writingEnded || this.#state === "closed") return
    this.#writingEnded = true
    if (!this.#gone) this.out.finish()
  }

  #pulled(): Pulled | undefined {
    if (this.#state === "closed" || !this.#attached) return Effect.fail(closedHere)
    const unread = this.#unread
    if (!Arr.isArrayNonEmpty(unread)) return this.#last === undefined ? undefined : Effect.fail(this.#last)
    if (!this.#gone) this.in.consumed(this.#unreadBytes)
    this.#unread = []
    this.#unreadBytes = 0
    return Effect.succeed(unread)
  }

  #write(chunks: ReadonlyArray<Uint8Array | string | Socket.CloseEvent>): Written {
    return Effect.suspend(() => {
      const failed = this.#unwritable
      if (failed !== undefined) return Effect.fail(failed)
      for (const chunk of chunks) {
        if (!(chunk instanceof Uint8Array)) return Effect.die(new Error("only bytes are written here"))
        if (chunk.length > 0) this.out.write(chunk)
      }
      return this.out.flushed ? Effect.void : this.#flush
    })
  }

  readonly #flush: Written = Effect.callback((resume) => {
    this.#writers.push(resume)
    return Effect.sync(() => {
      this.#writers = this.#writers.filter((writer) => writer !== resume)
    })
  })

  get #unwritable(): Socket.SocketError | undefined {
    if (this.#broken) return resetWhileWriting
    return this.#writingEnded || this.#state === "closed" ? writtenAfterEnd : undefined
  }

  /** Lets the program know, if it waits for anything; once for everything that happens while it stands still. */
  #rouse(): void {
    if (this.#rousing || (this.#reader === undefined && this.#writers.length === 0)) return
    this.#rousing = true
    this.stack.enter(this.#roused)
  }

  readonly #roused = (): void => {
    this.#rousing = false
    const reader = this.#reader
    const pulled = reader === undefined ? undefined : this.#pulled()
    if (pulled !== undefined) {
      this.#reader = undefined
      reader!(pulled)
    }
    if (this.#writers.length === 0) return
    // One that waits may finish what it wrote before the end.
    const failed = this.#state === "closed" || this.#broken ? this.#unwritable : undefined
    if (failed === undefined && !this.out.flushed) return
    for (const writer of this.#writers.splice(0)) writer(failed === undefined ? Effect.void : Effect.fail(failed))
  }
}
