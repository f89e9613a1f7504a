/**
 * How much more a writer may send: what is under way or unread counts against it, until the reader has taken it and the
 * news of that has come back the other way. That news costs no event of the world unless somebody waits for it.
 */
import type { Scheduled } from "../world/EventHeap.ts"
import { Fifo } from "./Fifo.ts"
import type { Path } from "./Path.ts"

interface Acknowledged {
  readonly at: number
  bytes: number
}

export class Window {
  readonly #path: Path
  /** The way that acknowledgements take. */
  readonly #back: Path
  /** Runs when an acknowledgement comes that was waited for. */
  readonly #onRoom: () => void
  readonly #acknowledged = new Fifo<Acknowledged>()
  #taken = 0
  /** Nothing is heard before. */
  #from = 0
  #wait: Scheduled | undefined

  constructor(path: Path, back: Path, onRoom: () => void) {
    this.#path = path
    this.#back = back
    this.#onRoom = onRoom
  }

  /** Bytes; none or less than that if it is closed. `hears` is false once nothing comes back any more. */
  room(hears: boolean): number {
    if (hears) this.#hear()
    return this.#path.conditions.window - this.#taken
  }

  take(bytes: number): void {
    this.#taken += bytes
  }

  /** The reader has taken so many bytes. */
  consumed(bytes: number): void {
    const at = this.#path.world.now + this.#back.usual
    const last = this.#acknowledged.last
    if (last?.at === at) last.bytes += bytes
    else this.#acknowledged.push({ at, bytes })
  }

  /** Waits for the next acknowledgement, if there is one under way that is not held up. */
  wait(): void {
    const next = this.#acknowledged.first
    if (next === undefined || this.#wait !== undefined || this.#back.conditions.stalled) return
    this.#wait = this.#path.world.at(Math.max(next.at, this.#from), () => {
      this.#wait = undefined
      this.#onRoom()
    })
  }

  /** The way of the acknowledgements was stalled from then to now: the writer hears once it has tried again. */
  hearAgain(since: number): void {
    const { now } = this.#path.world
    const missed = this.#acknowledged.first
    if (missed !== undefined && missed.at <= now)
      this.#from = now + this.#path.residual(now - Math.max(since, missed.at))
    this.wait()
  }

  close(): void {
    this.#acknowledged.clear()
    if (this.#wait !== undefined) this.#path.world.cancel(this.#wait)
    this.#wait = undefined
  }

  #hear(): void {
    const { now } = this.#path.world
    if (now < this.#from || this.#back.conditions.stalled) return
    let next: Acknowledged | undefined
    while ((next = this.#acknowledged.first) !== undefined && next.at <= now) {
      this.#taken -= next.bytes
      this.#acknowledged.shift()
    }
  }
}
