/**
 * One direction of a connection: bytes on their way, in order, none lost, and the end that comes after them.
 *
 * A writer's bytes wait in the outbox until the window takes them; they count against it until the reader has taken them
 * and the news of that has come back the other way.
 */
import { Fifo } from "./Fifo.ts"
import { type Cargo, Flight } from "./Flight.ts"
import { burn, passing } from "./Fuse.ts"
import type { Recording } from "./Ghosts.ts"
import type { Path } from "./Path.ts"
import type { Stream } from "./Stream.ts"
import { Window } from "./Window.ts"

/** Who hears at the far end. */
export interface Receiver {
  readonly established: () => void
  readonly receive: (bytes: Uint8Array) => void
  readonly receiveEnd: () => void
  /** `asEnd` says whether the reader is to take it for an end; without it that depends. */
  readonly receiveReset: (asEnd: boolean | undefined) => void
}

/** Who writes at the near end. */
export interface Sender {
  /** The window has taken everything. */
  readonly drained: () => void
  /** Nothing will cross any more. */
  readonly over: () => void
}

export class Pipe implements Stream {
  readonly connection: number
  readonly path: Path
  /** The way that acknowledgements take. */
  readonly back: Path
  /** The other direction of the connection. */
  reverse!: Pipe
  /** Bytes that were written, in all. */
  written = 0
  /** Nothing will arrive any more, and it is known at this end. */
  over = false
  /** Nothing arrives any more, and nobody knows. */
  silent = false
  readonly #from: Sender
  readonly #to: Receiver
  readonly #recording: Recording | undefined
  readonly #outbox = new Fifo<Uint8Array>()
  readonly #flight: Flight
  readonly #window: Window
  /** Bytes of the outbox's first that have left already. */
  #left = 0
  #finishing = false
  #ended = false
  /** Something between the two has ended it. */
  #severed = false
  #reset = false

  constructor(connection: number, path: Path, back: Path, from: Sender, to: Receiver, recording?: Recording) {
    this.connection = connection
    this.path = path
    this.back = back
    this.#from = from
    this.#to = to
    this.#recording = recording
    this.#flight = new Flight(path, (cargo) => this.#land(cargo))
    this.#window = new Window(path, back, () => this.pump())
    path.pipes.add(this)
    back.heard.add(this)
  }

  /** Whether the window has taken everything that was written. */
  get flushed(): boolean {
    return this.#outbox.size === 0
  }

  /** Sends word that the connection is established: the first that arrives. */
  open(): void {
    this.#launch("established")
  }

  /** Takes bytes, a copy of them. */
  write(bytes: Uint8Array): void {
    this.written += bytes.length
    this.path.tally.written += bytes.length
    if (this.#severed) this.#answer()
    if (this.#severed || this.over) return
    const copy = new Uint8Array(bytes)
    this.#recording?.add(copy)
    this.#outbox.push(copy)
    this.pump()
  }

  /** An end after everything that was written. */
  finish(): void {
    if (this.#finishing) return
    this.#finishing = true
    if (this.silent) this.#done()
    else if (!this.over) this.pump()
  }

  /** What the window has not taken is lost; an end after the rest. */
  cutShort(): void {
    this.#outbox.clear()
    this.#left = 0
    if (this.#finishing) this.pump()
    else this.finish()
  }

  /** A reset instead of all that is under way. Unlike bytes it is sent once: on a stalled way it is lost. */
  reset(asEnd?: boolean): void {
    if (this.#reset) return
    this.#reset = true
    const { silent } = this
    this.#done()
    if (silent || this.path.loses()) {
      this.#reset = false
      return
    }
    const { world } = this.path
    world.at(world.now + this.path.latency(), () => {
      this.path.tally.resets++
      this.#to.receiveReset(asEnd)
    })
  }

  /**
   * Something on the way ends this direction; the writer does not know. A reset also ends what is still under way before
   * an end that something has put there.
   */
  sever(how: "fin" | "rst" | "rst-as-end"): void {
    if (this.over || (this.#severed && how === "fin")) return
    this.#severed = true
    // What the writer sends on, or sends again, is answered.
    const answered = this.#outbox.size > 0 || (how !== "fin" && !this.#flight.isEmpty)
    this.#outbox.clear()
    if (how !== "fin") this.reset(how === "rst-as-end" ? true : undefined)
    else if (!this.#ended) {
      this.#ended = true
      this.#launch("end")
    }
    if (answered) this.#answer()
  }

  /** Bytes for a connection that the far end does not know any more. */
  #answer(): void {
    if (this.silent || this.path.conditions.stalled) return
    const { world } = this.path
    world.at(world.now + this.path.latency(), () => this.reverse.reset())
  }

  /** From now on nothing arrives, and nobody is told. */
  silence(): void {
    if (this.silent || this.over) return
    this.silent = true
    this.#flight.drop()
    if (this.#finishing) this.#done()
  }

  /** The writer's end is no more. */
  abandon(): void {
    this.#done()
  }

  /** The reader has taken bytes: the window opens again once the writer hears of it. */
  consumed(bytes: number): void {
    if (this.over) return
    this.#window.consumed(bytes)
    if (this.#outbox.size > 0) this.#window.wait()
  }

  /** Sends what the window takes. */
  pump(): void {
    if (this.over) return
    const waited = this.#outbox.size > 0
    let first: Uint8Array | undefined
    while ((first = this.#outbox.first) !== undefined) {
      const room = this.#window.room(!this.reverse.silent)
      if (room <= 0) {
        this.path.touch("window")
        if (!this.reverse.silent) this.#window.wait()
        return
      }
      const rest = first.length - this.#left
      const size = this.path.chunkOf(Math.min(rest, room))
      const chunk = size === first.length ? first : first.subarray(this.#left, this.#left + size)
      if (size === rest) {
        this.#outbox.shift()
        this.#left = 0
      } else this.#left += size
      this.#window.take(size)
      this.#launch(chunk)
    }
    if (this.#finishing && !this.#ended) {
      this.#ended = true
      this.#launch("end")
    }
    if (waited) this.#from.drained()
  }

  stall(): void {
    this.#flight.stall()
  }

  recover(): void {
    this.#flight.recover()
  }

  /** The way of the acknowledgements was stalled from then to now. */
  hearAgain(since: number): void {
    if (this.#outbox.size > 0) this.#window.hearAgain(since)
  }

  #launch(cargo: Cargo): void {
    if (!this.silent) this.#flight.launch(cargo)
  }

  #land(cargo: Cargo): void {
    if (cargo === "established") this.#to.established()
    else if (cargo === "end") {
      this.#done()
      this.#to.receiveEnd()
    } else this.#deliver(this.path.flipped(cargo))
  }

  #deliver(chunk: Uint8Array): void {
    const { path } = this
    const size = passing(path.fuses, chunk.length)
    if (size > 0) {
      const bytes = size === chunk.length ? chunk : chunk.subarray(0, size)
      path.tally.chunks++
      path.tally.delivered += size
      path.world.trace.mix(this.connection)
      path.world.trace.mixBytes(bytes)
      this.#to.receive(bytes)
    }
    burn(path.fuses, size, this)
  }

  #done(): void {
    if (this.over) return
    this.over = true
    this.#outbox.clear()
    this.#flight.drop()
    this.#window.close()
    this.path.pipes.delete(this)
    this.back.heard.delete(this)
    this.#recording?.end()
    this.#from.over()
  }
}
