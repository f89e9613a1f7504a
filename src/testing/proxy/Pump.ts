/**
 * One direction of a proxied connection: takes bytes from one socket and brings them to the other as its lane has it,
 * in order, whole, and followed by the news of the end, FIN or RST.
 *
 * It holds no more than the lane's window and what one read brings; beyond that the sender has to wait. Nothing is
 * noticed of a sender while it waits, not even that it is gone: that is how sockets are that nobody reads from.
 */
import type * as Net from "node:net"
import { Fifo } from "../network/Fifo.ts"
import type { Recording } from "../network/Ghosts.ts"
import { breakOff } from "./BreakOff.ts"
import type { Lane } from "./Lane.ts"

/** What is under way: bytes, or how they end. */
interface Packet {
  bytes: Buffer | "fin" | "rst"
  /** When it arrives, if nothing else is in its way. */
  readonly due: number
}

/**
 * `ended`: the source has said all; `closing`: the sink was told that it has, and what comes is thrown away; `severed`:
 * the sink was told so, which the source learns when it says something; `refused`: the sink is gone, which the source
 * learns the same way; `over`: nothing comes and nothing goes.
 */
type State = "open" | "ended" | "closing" | "severed" | "refused" | "over"

export class Pump {
  readonly lane: Lane
  readonly #source: Net.Socket
  readonly #sink: Net.Socket
  readonly #reset: () => void
  readonly #told: () => void
  #state: State = "open"
  #reading = false
  #spoken = false
  /** Read, and not under way yet for want of room in the window. */
  #unread: Buffer | undefined
  readonly #packets = new Fifo<Packet>()
  #underWay = 0
  #passed = 0
  #heldSince: number | undefined
  #resumesAt = 0
  /** Until when the line is busy with what has been sent. */
  #busyUntil = 0
  #timer: NodeJS.Timeout | undefined
  #turn: NodeJS.Immediate | undefined
  readonly #recording: Recording | undefined

  /** Both sockets are paused; `reset` breaks the whole connection off, `told` hears that the sink was told of the end. */
  constructor(source: Net.Socket, sink: Net.Socket, lane: Lane, reset: () => void, told: () => void) {
    this.lane = lane
    this.#source = source
    this.#sink = sink
    this.#reset = reset
    this.#told = told
    this.#recording = lane.ghosts?.record(lane.from, lane.to, 0)
    lane.travellers.add(this)
    source.on("data", this.#arrive).on("end", () => this.#end("fin"))
    this.#read()
  }

  /** Bytes that have gone to the other end. */
  get passed(): number {
    return this.#passed
  }

  /** Bytes that have come and not gone. */
  get held(): number {
    return (this.#unread?.length ?? 0) + this.#underWay + this.#sink.writableLength
  }

  /** Whether anything has come from the source. */
  get hasSpoken(): boolean {
    return this.#spoken
  }

  /** Whether nothing is under way here. */
  get isEmpty(): boolean {
    return this.#unread === undefined && this.#packets.size === 0
  }

  /** Nothing will pass any more that has not passed. */
  get isStill(): boolean {
    return this.#state === "over" || (this.#state === "ended" && this.#packets.size === 0 && this.held === 0)
  }

  /** The source is gone: the sink is reset after what is under way, and loses what its reader has not taken. */
  sourceFailed(): void {
    this.#end("rst")
  }

  /** Nothing passes any more, and nobody is told. */
  stop(): void {
    this.#become("over")
  }

  /** Ends the sink's side, after what is under way or in its place. What the source says then is ignored or reset. */
  finish(underWay: "delivered" | "lost", then: "ignored" | "reset"): void {
    if (this.#state !== "open" && this.#state !== "ended") return
    if (underWay === "lost") {
      this.#forget()
      this.#state = "open"
    }
    this.#end("fin")
    this.#state = then === "reset" ? "severed" : "closing"
    this.#read()
  }

  /** Resets the sink alone. */
  refuse(): void {
    if (this.#state === "over") return
    breakOff(this.#sink)
    this.#become("refused")
  }

  dispose(): void {
    this.lane.travellers.delete(this)
    this.#recording?.end()
    this.#become("over")
  }

  /** Goes on after something has changed: the lane, or what the sink has still to take. */
  readonly adapt = (): void => {
    if (this.#state === "over" || this.#state === "refused") return
    this.#admit()
    this.#read()
    this.#deliver()
  }

  #become(state: "refused" | "over"): void {
    this.#forget()
    this.#state = state
    this.#read()
  }

  readonly #arrive = (chunk: Buffer): void => {
    this.#spoken = true
    if (this.#state === "refused") this.#reset()
    if (this.#state === "severed") this.#answer()
    if (this.#state !== "open") return
    this.#recording?.add(Buffer.from(chunk))
    this.#unread = this.#unread === undefined ? chunk : Buffer.concat([this.#unread, chunk])
    this.adapt()
  }

  /** Nobody hears the source any more: it is told, once what it said before has arrived. */
  #answer(): void {
    this.#state = "ended"
    this.#add("rst")
    this.adapt()
  }

  #end(how: "fin" | "rst"): void {
    if (this.#state === "refused") this.#reset()
    if (this.#state === "severed" && how === "rst") return this.#answer()
    if (this.#state !== "open" && (this.#state !== "ended" || how === "fin")) return
    this.#state = "ended"
    if (this.#unread !== undefined) this.#add(this.#unread)
    this.#unread = undefined
    this.#add(how)
    this.#deliver()
  }

  get #room(): number {
    return this.lane.window - this.#underWay - this.#sink.writableLength
  }

  /** Lets what has been read get under way, as far as the window allows. */
  #admit(): void {
    const unread = this.#unread
    const size = Math.min(unread?.length ?? 0, this.#room)
    if (unread === undefined || size <= 0) return
    this.#unread = size === unread.length ? undefined : unread.subarray(size)
    this.#add(unread.subarray(0, size))
  }

  #add(bytes: Packet["bytes"]): void {
    const due = Math.max(this.#packets.last?.due ?? 0, performance.now() + this.lane.delay())
    this.#packets.push({ bytes, due })
    if (typeof bytes !== "string") this.#underWay += bytes.length
  }

  #read(): void {
    const full = this.#unread !== undefined || this.#room <= 0
    const open = this.#state === "open"
    if (open && full && this.#reading) this.lane.touch("window")
    const ignoring = this.#state === "closing" || this.#state === "severed" || this.#state === "refused"
    const reading = ignoring || (open && !full)
    if (reading === this.#reading) return
    this.#reading = reading
    if (reading) this.#source.resume()
    else this.#source.pause()
  }

  readonly #nextTurn = (): void => {
    this.#turn = undefined
    if (this.#isDue()) this.#pass(this.#packets.first!)
    this.#deliver()
  }

  readonly #deliver = (): void => {
    while (this.#turn === undefined && this.#isDue()) {
      // What is written in one turn of the loop is read as one.
      if (this.lane.conditions.chunk.value > 0) this.#turn = setImmediate(this.#nextTurn)
      else this.#pass(this.#packets.first!)
    }
  }

  /** Whether the first on the line arrives now; if not, it is seen to that this is asked again in time. */
  #isDue(): boolean {
    clearTimeout(this.#timer)
    const { first } = this.#packets
    if (first === undefined) return false
    const now = performance.now()
    if (this.lane.conditions.stalled) {
      if (this.#heldSince === undefined) this.lane.touch("stalled")
      this.#heldSince ??= now
      return false
    }
    if (this.#heldSince !== undefined) this.#resumesAt = now + this.lane.nextTry(now - this.#heldSince)
    this.#heldSince = undefined
    const wait = Math.max(first.due, this.#busyUntil, this.#resumesAt) - now
    if (wait > 0) this.#timer = setTimeout(this.#deliver, Math.ceil(wait))
    return wait <= 0
  }

  #pass(packet: Packet): void {
    const { bytes } = packet
    if (typeof bytes === "string") {
      this.#packets.shift()
      if (bytes === "rst") return this.#reset()
      this.#sink.end()
      this.#told()
      return
    }
    const size = this.lane.portion(bytes.length)
    if (size === bytes.length) this.#packets.shift()
    else packet.bytes = bytes.subarray(size)
    this.#underWay -= size
    this.#passed += size
    // A timer may be late: what it has missed is made up for.
    this.#busyUntil = Math.max(this.#busyUntil, performance.now() - 20) + this.lane.sending(size)
    if (size > 0) this.#sink.write(this.lane.flipped(bytes.subarray(0, size)), this.adapt)
    this.lane.passed(size, this.#reset)
  }

  #forget(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#turn)
    this.#turn = undefined
    this.#unread = undefined
    this.#packets.clear()
    this.#underWay = 0
  }
}
