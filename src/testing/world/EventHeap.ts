/**
 * What is still to happen, earliest first: a binary heap ordered by time, then by rank, then by age.
 *
 * A cancelled event stays until its time comes or until half of the heap is dead, whichever is first.
 */

export interface Scheduled {
  /** Microseconds of world time. */
  readonly at: number
  readonly rank: number
  readonly sequence: number
  /** `undefined` once it has been cancelled. */
  run: (() => void) | undefined
}

const before = (a: Scheduled, b: Scheduled): boolean =>
  a.at !== b.at ? a.at < b.at : a.rank !== b.rank ? a.rank < b.rank : a.sequence < b.sequence

export class EventHeap {
  #heap: Array<Scheduled> = []
  #dead = 0
  #sequence = 0

  /** Events that have not been cancelled. */
  get size(): number {
    return this.#heap.length - this.#dead
  }

  /** Places in memory, dead events included. */
  get held(): number {
    return this.#heap.length
  }

  add(at: number, rank: number, run: () => void): Scheduled {
    const event: Scheduled = { at, rank, sequence: this.#sequence++, run }
    this.#heap.push(event)
    this.#rise(this.#heap.length - 1)
    return event
  }

  cancel(event: Scheduled): void {
    if (event.run === undefined) return
    event.run = undefined
    this.#dead++
    if (this.#dead > 64 && this.#dead > this.#heap.length / 2) this.#sweep()
  }

  /** When the next event is due; `undefined` if there is none. */
  get next(): number | undefined {
    this.#dropDead()
    return this.#heap[0]?.at
  }

  /** Takes the next event. */
  take(): Scheduled | undefined {
    this.#dropDead()
    return this.#heap.length === 0 ? undefined : this.#shift()
  }

  #dropDead(): void {
    while (this.#heap.length > 0 && this.#heap[0]!.run === undefined) {
      this.#shift()
      this.#dead--
    }
  }

  #shift(): Scheduled {
    const first = this.#heap[0]!
    const last = this.#heap.pop()!
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#sink(0)
    }
    return first
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((event) => event.run !== undefined)
    this.#dead = 0
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#sink(i)
  }

  #rise(from: number): void {
    const event = this.#heap[from]!
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, this.#heap[parent]!)) break
      this.#heap[at] = this.#heap[parent]!
      at = parent
    }
    this.#heap[at] = event
  }

  #sink(from: number): void {
    const heap = this.#heap
    const event = heap[from]!
    let at = from
    while (true) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, event)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = event
  }
}
