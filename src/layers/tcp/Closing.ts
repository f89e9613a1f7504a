/**
 * Closes connections without losing their last words: a socket that is closed with unread input is reset, and a reset
 * overtakes what was written. So the input is thrown away until the peer closes too, for a moment at the most. Nobody
 * waits for that but the end of the transport.
 */
import { Effect } from "effect"
import type * as Net from "node:net"

/** How long a closed connection may still take to deliver what was written, in milliseconds. */
const lingerTimeout = 1_000
/** Connections that may do so at once; more are cut. */
const maxLingering = 256

export class Closing {
  readonly #run: (lingering: Effect.Effect<void>) => unknown
  #lingering = 0

  /** `run` runs what lingers, to its end. */
  constructor(run: (lingering: Effect.Effect<void>) => unknown) {
    this.#run = run
  }

  readonly release = (connection: Net.Socket): Effect.Effect<void> =>
    Effect.sync(() => {
      const delivered = connection.bytesWritten === 0 || (connection.readableEnded && connection.writableFinished)
      if (connection.destroyed || connection.connecting || delivered || this.#lingering >= maxLingering) {
        connection.destroy()
        return
      }
      this.#lingering++
      connection.end()
      connection.resume()
      this.#run(this.#linger(connection))
    })

  #linger(connection: Net.Socket): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      // With both sides ended the connection closes by itself.
      if (connection.closed) resume(Effect.void)
      else connection.once("close", () => resume(Effect.void))
    }).pipe(
      Effect.timeoutOption(lingerTimeout),
      Effect.ensuring(
        Effect.sync(() => {
          this.#lingering--
          connection.destroy()
        })
      ),
      Effect.asVoid
    )
  }
}
