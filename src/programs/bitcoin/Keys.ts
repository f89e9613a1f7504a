/**
 * Waits for a key that ends a view. While it waits the keys of a terminal come one by one, Ctrl-C as any other.
 */
import { Deferred, Effect } from "effect"

/** As `process.stdin`. */
export interface Keyboard {
  readonly isTTY?: boolean
  readonly setRawMode?: (isRaw: boolean) => unknown
  readonly on: (event: "data", hear: (bytes: Uint8Array) => void) => unknown
  readonly off: (event: "data", hear: (bytes: Uint8Array) => void) => unknown
  readonly resume: () => unknown
  readonly pause: () => unknown
}

/** Of q, Q, Ctrl-C and Ctrl-D. */
const ends: ReadonlySet<number> = new Set([0x71, 0x51, 0x03, 0x04])

/** To the first such key; for ever where there is no keyboard. */
export const untilEnd = (keyboard: Keyboard): Effect.Effect<void> => {
  if (keyboard.isTTY !== true) return Effect.never
  const pressed = Deferred.makeUnsafe<void>()
  const hear = (bytes: Uint8Array): void => {
    if (bytes.some((byte) => ends.has(byte))) Deferred.doneUnsafe(pressed, Effect.void)
  }
  const open = Effect.sync(() => {
    keyboard.setRawMode?.(true)
    keyboard.on("data", hear)
    keyboard.resume()
  })
  const close = Effect.sync(() => {
    keyboard.off("data", hear)
    keyboard.setRawMode?.(false)
    keyboard.pause()
  })
  return Effect.acquireUseRelease(
    open,
    () => Deferred.await(pressed),
    () => close
  )
}
