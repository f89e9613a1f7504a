/**
 * The `Socket` that a program has of one end of a connection: pulls that wait for bytes, writes that wait for the window,
 * and what they fail with. It knows nothing of the network: that is the end's, of which it asks what there is.
 */
import { Array as Arr, Effect } from "effect"
import * as Socket from "effect/socket/Socket"

/** An end of a connection, as its socket sees it. */
export interface Held {
  /** The program has closed it. */
  readonly closed: boolean
  /** A reset has come. */
  readonly broken: boolean
  /** The window has taken everything that was written. */
  readonly flushed: boolean
  /** Nothing comes after what is unread, and why. */
  readonly last: "end" | "reset" | undefined
  /** What has come since it was asked last, which counts as read from now on. */
  take(): ReadonlyArray<Uint8Array>
  write(bytes: Uint8Array): void
  /** Nothing will be written any more. */
  endWriting(): void
  /** Lets something in to the program. */
  enter(run: () => void): void
}

type Pulled = Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, Socket.SocketError>
type Written = Effect.Effect<void, Socket.SocketError>

const closedWith = (code: number) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })
const unwritable = (why: string) =>
  new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause: new Error(why) }) })

// Made once: to make an error takes longer than all the rest of a connection.
const closedHere = closedWith(1006)
const last = {
  end: closedWith(1000),
  reset: new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: new Error("reset by peer") }) })
}
const resetWhileWriting = unwritable("reset by peer")
const writtenAfterEnd = unwritable("written after the end")

export class ProgramSocket {
  readonly socket: Socket.Socket
  readonly #end: Held
  #attached = false
  #writingEnded = false
  #reader: ((pulled: Pulled) => void) | undefined
  #writers: Array<(written: Written) => void> = []
  #rousing = false

  constructor(end: Held) {
    this.#end = end
    const write = (chunk: Uint8Array | string | Socket.CloseEvent) => this.#write([chunk])
    this.socket = Socket.make({
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

  /** Lets the program know, if it waits for anything; once for everything that happens while it stands still. */
  rouse(): void {
    if (this.#rousing || (this.#reader === undefined && this.#writers.length === 0)) return
    this.#rousing = true
    this.#end.enter(this.#roused)
  }

  /** As `rouse`, where nothing has changed but that there is room. */
  rouseWriters(): void {
    if (this.#writers.length > 0) this.rouse()
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
    const failed = this.#end.closed || this.#end.broken ? this.#unwritable : undefined
    if (failed === undefined && !this.#end.flushed) return
    for (const writer of this.#writers.splice(0)) writer(failed === undefined ? Effect.void : Effect.fail(failed))
  }

  readonly #pull: Pulled = Effect.callback((resume) => {
    const pulled = this.#pulled()
    if (pulled !== undefined) return resume(pulled)
    this.#reader = resume
    return Effect.sync(() => {
      if (this.#reader === resume) this.#reader = undefined
    })
  })

  #pulled(): Pulled | undefined {
    if (this.#end.closed || !this.#attached) return Effect.fail(closedHere)
    const taken = this.#end.take()
    // What the network brought it may bring again, and the program may write into what it has read.
    if (Arr.isReadonlyArrayNonEmpty(taken)) return Effect.succeed(Arr.map(taken, (bytes) => new Uint8Array(bytes)))
    return this.#end.last === undefined ? undefined : Effect.fail(last[this.#end.last])
  }

  readonly #detach = (): void => {
    this.#attached = false
    this.rouse()
  }

  readonly #endWriting = (): void => {
    if (this.#writingEnded || this.#end.closed) return
    this.#writingEnded = true
    this.#end.endWriting()
  }

  #write(chunks: ReadonlyArray<Uint8Array | string | Socket.CloseEvent>): Written {
    return Effect.suspend(() => {
      const failed = this.#unwritable
      if (failed !== undefined) return Effect.fail(failed)
      for (const chunk of chunks) {
        if (!(chunk instanceof Uint8Array)) return Effect.die(new Error("only bytes are written here"))
        // A program may use its buffer again as soon as the window has taken this.
        if (chunk.length > 0) this.#end.write(new Uint8Array(chunk))
      }
      return this.#end.flushed ? Effect.void : this.#flush
    })
  }

  readonly #flush: Written = Effect.callback((resume) => {
    this.#writers.push(resume)
    return Effect.sync(() => {
      this.#writers = this.#writers.filter((writer) => writer !== resume)
    })
  })

  get #unwritable(): Socket.SocketError | undefined {
    if (this.#end.broken) return resetWhileWriting
    return this.#writingEnded || this.#end.closed ? writtenAfterEnd : undefined
  }
}
