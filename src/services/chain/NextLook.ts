/** One alarm for whoever has to look again, at a time that changes often: none is left behind in the heap of alarms. */
import type { Alarm, Alarms } from "../link/Alarms.ts"

export class NextLook {
  readonly #alarms: Alarms
  readonly #look: () => void
  #alarm: Alarm | undefined

  constructor(alarms: Alarms, look: () => void) {
    this.#alarms = alarms
    this.#look = look
  }

  /** Looks at this time, in monotonic milliseconds, or before: an earlier alarm that has become needless looks in vain. Infinite: never. */
  at(next: number): void {
    if (this.#alarm !== undefined && this.#alarm.due <= next) return
    this.#alarm?.cancel()
    this.#alarm = undefined
    if (!Number.isFinite(next)) return
    this.#alarm = this.#alarms.set(next, () => {
      this.#alarm = undefined
      this.#look()
    })
  }
}
