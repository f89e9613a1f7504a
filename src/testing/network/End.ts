/**
 * One end of a connection: what the operating system of a host does with it, for the program that has its socket.
 *
 * The system takes bytes whether the program reads or not, up to the window; it answers what comes for a connection that
 * it no longer knows with a reset. Closing is what `TransportTcp` makes of it: an end after what was written, and for a
 * second what still comes is thrown away; what the window has not taken by then is lost. So an end that nobody holds is
 * gone as soon as its last word has crossed, whatever its peer does.
 */
import type * as Socket from "effect/socket/Socket"
import * as Patience from "./Patience.ts"
import type { Pipe, Receiver, Sender } from "./Pipe.ts"
import { type Held, ProgramSocket } from "./ProgramSocket.ts"
import type { Stack } from "./Stack.ts"

export interface Where {
  readonly host: string
  readonly port: number
}

export class End implements Receiver, Sender, Held {
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
  /** Nothing comes after what is unread, and why. */
  last: "end" | "reset" | undefined
  /** A reset has come. */
  broken = false
  readonly #socket: ProgramSocket
  /** Waiting to be accepted, in a program's hands, or closed by it. */
  #state: "waiting" | "held" | "closed" = "waiting"
  /** The system has forgotten the connection. */
  #gone = false
  #lingersUntil = 0
  #unread: Array<Uint8Array> = []
  #unreadBytes = 0

  constructor(connection: number, stack: Stack, local: Where, remote: Where) {
    this.connection = connection
    this.stack = stack
    this.local = local
    this.remote = remote
    this.#socket = new ProgramSocket(this)
    stack.ends.add(this)
  }

  /** What the program has of it. */
  get socket(): Socket.Socket {
    return this.#socket.socket
  }

  get held(): boolean {
    return this.#state === "held"
  }

  get closed(): boolean {
    return this.#state === "closed"
  }

  get flushed(): boolean {
    return this.out.flushed
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
    this.#socket.rouse()
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
    this.#socket.rouse()
  }

  readonly receiveEnd = (): void => {
    this.last ??= "end"
    if (this.deaf) this.close()
    this.#socket.rouse()
  }

  readonly receiveReset = (asEnd: boolean | undefined): void => {
    if (this.#gone) return
    this.stack.record("reset", { connection: this.connection, remote: this.remote.host })
    this.broken = true
    // Nobody knows of it yet.
    if (this.onEstablished !== undefined) this.#state = "closed"
    // A reader that has paused may never see it: Node reports an end after a part of what had come.
    const truncates = asEnd ?? (this.#unread.length > 0 && this.in.path.lot(2) === 0)
    this.#vanish(() => this.out.abandon(), truncates ? this.in.path.lot(this.#unread.length + 1) : 0)
    this.last ??= truncates ? "end" : "reset"
    if (this.deaf) this.close()
    this.#socket.rouse()
  }

  readonly drained = (): void => {
    this.#socket.rouseWriters()
  }

  readonly over = (): void => {
    if (this.#state === "closed") this.#leave()
  }

  // What the program asks for

  take(): ReadonlyArray<Uint8Array> {
    const unread = this.#unread
    if (unread.length === 0) return unread
    if (!this.#gone) this.in.consumed(this.#unreadBytes)
    this.#unread = []
    this.#unreadBytes = 0
    return unread
  }

  write(bytes: Uint8Array): void {
    this.out.write(bytes)
  }

  endWriting(): void {
    if (!this.#gone) this.out.finish()
  }

  enter(run: () => void): void {
    this.stack.enter(run)
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
}
