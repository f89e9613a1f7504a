/**
 * One direction of a connection: bytes on their way, in order, none lost, and the end that comes after them.
 *
 * A writer's bytes wait in the outbox until the window takes them; they count against it until the reader has taken them
 * and the news of that has come back the other way. There is one world event for each chunk that arrives, and one event at
 * a time for a pipe.
 */
import type { Scheduled } from "../world/EventHeap.ts"
import { Fifo } from "./Fifo.ts"
import type { Recording } from "./Ghosts.ts"
import type { Path } from "./Path.ts"
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
  readonly flushed: () => void
  /** Nothing will cross any more. */
  readonly over: () => void
}

interface Crossing {
  readonly cargo: Uint8Array | "established" | "end"
  due: number
}

const secondsToMicros = 1_000_000

/** Bytes that travel together and are late together, in however many chunks they arrive. */
const packet = 1_448

export class Pipe {
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
  readonly #crossing = new Fifo<Crossing>()
  readonly #window: Window
  /** Bytes of the outbox's first that have left already. */
  #left = 0
  #finishing = false
  #ended = false
  /** Something between the two has ended it. */
  #severed = false
  #reset = false
  /** When the line has sent what it has. */
  #lineFree = 0
  /** The packet that left last: when, how long it takes, and what still goes into it. */
  #packetAt = -1
  #packetTakes = 0
  #packetRoom = 0
  /** Since when something waits for a stall to end. */
  #stuckSince: number | undefined
  #arrival: Scheduled | undefined

  constructor(connection: number, path: Path, back: Path, from: Sender, to: Receiver, recording?: Recording) {
    this.connection = connection
    this.path = path
    this.back = back
    this.#from = from
    this.#to = to
    this.#recording = recording
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
    this.#launch("established", 0)
  }

  /** Takes bytes, a copy of them; says whether the window took all. */
  write(bytes: Uint8Array): boolean {
    this.written += bytes.length
    this.path.tally.written += bytes.length
    if (this.#severed) this.#answer()
    if (this.#severed || this.over) return true
    const copy = new Uint8Array(bytes)
    this.#recording?.add(copy)
    this.#outbox.push(copy)
    this.pump()
    return this.#outbox.size === 0
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

  /** Something on the way ends this direction; the writer does not know. */
  sever(how: "fin" | "rst" | "rst-as-end"): void {
    if (this.#severed || this.over) return
    this.#severed = true
    // What the writer sends on, or sends again, is answered.
    const answered = this.#outbox.size > 0 || (how !== "fin" && this.#crossing.size > 0)
    this.#outbox.clear()
    if (how !== "fin") this.reset(how === "rst-as-end" ? true : undefined)
    else if (!this.#ended) {
      this.#ended = true
      this.#launch("end", 0)
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
    this.#crossing.clear()
    this.#cancel()
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
      this.#launch(chunk, size)
    }
    if (this.#finishing && !this.#ended) {
      this.#ended = true
      this.#launch("end", 0)
    }
    if (waited) this.#from.flushed()
  }

  /** The way is stalled. */
  stall(): void {
    for (let i = 0; i < this.#crossing.size; i++) this.path.touch("stalled")
    if (this.#crossing.size > 0) this.#stuckSince = this.path.world.now
    this.#cancel()
  }

  /** The way is no longer stalled: what waited is sent again when its sender tries next. */
  recover(): void {
    if (this.#stuckSince === undefined) return
    const { path } = this
    const outage = path.world.now - this.#stuckSince
    path.tally.stalls += outage / 1_000
    this.#stuckSince = undefined
    this.#sendAgain(path.world.now + path.residual(outage))
  }

  /** The way of the acknowledgements was stalled from then to now. */
  hearAgain(since: number): void {
    if (this.#outbox.size > 0) this.#window.hearAgain(since)
  }

  #sendAgain(from: number): void {
    this.#lineFree = from
    this.#crossing.forEach((crossing) => {
      const sent = this.#sent(crossing.cargo instanceof Uint8Array ? crossing.cargo.length : 0, from)
      crossing.due = Math.max(crossing.due, sent)
    })
    this.#arm()
  }

  /** When the line has sent this many bytes more. */
  #sent(bytes: number, now: number): number {
    const { bandwidth } = this.path.conditions
    if (bandwidth === 0) return now
    if (this.#lineFree > now) this.path.touch("bandwidth")
    this.#lineFree = Math.max(this.#lineFree, now) + Math.ceil((bytes * 8 * secondsToMicros) / bandwidth)
    return this.#lineFree
  }

  #launch(cargo: Crossing["cargo"], size: number): void {
    if (this.silent) return
    const { path } = this
    const { now } = path.world
    if (now !== this.#packetAt || size > this.#packetRoom) {
      this.#packetAt = now
      this.#packetTakes = path.latency() + path.lateness()
      this.#packetRoom = packet
    }
    this.#packetRoom -= size
    this.#crossing.push({ cargo, due: this.#sent(size, now) + this.#packetTakes })
    if (path.conditions.stalled) {
      path.touch("stalled")
      this.#stuckSince ??= now
    } else if (this.#arrival === undefined) this.#arm()
  }

  /** What is due before the one in front of it comes right after that one. */
  #arm(): void {
    const next = this.#crossing.first
    if (next !== undefined) this.#arrival = this.path.world.at(next.due, this.#arrive)
  }

  readonly #arrive = (): void => {
    this.#arrival = undefined
    const { cargo } = this.#crossing.shift()!
    this.#arm()
    if (cargo === "established") this.#to.established()
    else if (cargo === "end") {
      this.#done()
      this.#to.receiveEnd()
    } else this.#deliver(this.path.flipped(cargo))
  }

  #deliver(chunk: Uint8Array): void {
    const { path } = this
    const fuse = path.fuses.length === 0 ? undefined : path.shortest
    const blows = fuse !== undefined && fuse.left <= chunk.length
    const bytes = blows ? chunk.subarray(0, fuse.left) : chunk
    for (const each of path.fuses) each.left -= bytes.length
    if (bytes.length > 0) {
      path.tally.chunks++
      path.tally.delivered += bytes.length
      path.world.trace.mix(this.connection)
      path.world.trace.mixBytes(bytes)
      this.#to.receive(bytes)
    }
    if (blows) fuse.blow(this)
  }

  #done(): void {
    if (this.over) return
    this.over = true
    this.#stuckSince = undefined
    this.#outbox.clear()
    this.#crossing.clear()
    this.#window.close()
    this.#cancel()
    this.path.pipes.delete(this)
    this.back.heard.delete(this)
    this.#recording?.end()
    this.#from.over()
  }

  #cancel(): void {
    if (this.#arrival !== undefined) this.path.world.cancel(this.#arrival)
    this.#arrival = undefined
  }
}
