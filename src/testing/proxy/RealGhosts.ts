/**
 * Ghosts on real sockets: each says again what was said on a connection that is over, on one of its own, and closes when
 * it is closed or nothing happens for a while. There are no more than 64 at once.
 */
import * as Net from "node:net"
import type { Endpoint } from "../../protocol/Address.ts"
import { Ghosts } from "../network/Ghosts.ts"
import { breakOff } from "./BreakOff.ts"
import type { Lane } from "./Lane.ts"

/** How long a ghost waits for a word, in milliseconds. */
const patience = 10_000
const mostAtOnce = 64

export class RealGhosts {
  /** How many there were, in all. */
  seen = 0
  readonly #memory = new Ghosts()
  readonly #sockets = new Set<Net.Socket>()

  /** Keeps from now on what is said on a lane. */
  record(lane: Lane): void {
    lane.ghosts = this.#memory
  }

  /** Says to this target what the one has said to the other; whether there was anything, and room for a ghost. */
  haunt(from: string, to: string, { host, port }: Endpoint): boolean {
    const recording = this.#memory.last(from, to)
    if (recording === undefined || this.#sockets.size >= mostAtOnce) return false
    this.seen++
    const ghost = Net.createConnection({ host, port, allowHalfOpen: true })
    this.#sockets.add(ghost)
    ghost
      .on("error", () => undefined)
      .on("close", () => this.#sockets.delete(ghost))
      .on("end", () => ghost.end())
      .setTimeout(patience, () => ghost.destroy())
      .resume()
    for (const chunk of recording.chunks) ghost.write(chunk)
    return true
  }

  destroy(): void {
    for (const ghost of this.#sockets) breakOff(ghost)
  }
}
