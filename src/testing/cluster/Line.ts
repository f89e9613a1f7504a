/**
 * What a node reads from one socket, as far as it can be told from outside: where in a message of the handshake or in a
 * record it is, and whether the input is over. Both are `u16 length | bytes`, whatever is in them.
 */
import * as Noise from "../../protocol/link/Noise.ts"
import type { Direction } from "../../services/link/Wire.ts"

const headerSize = 2

export class Line {
  readonly node: string
  readonly life: number
  readonly direction: Direction
  /** The other end, as transitions name it. */
  readonly remote: string
  /** Nothing more will be read: the node has been told. */
  over = false
  /** The node has closed it. */
  closed = false
  /** Bytes of the present message that are still to come, and of its length that have. */
  #left: number
  #header = 0
  #length = 0

  constructor(node: string, life: number, direction: Direction, remote: string) {
    this.node = node
    this.life = life
    this.direction = direction
    this.remote = remote
    // Only whoever dials says first what it speaks.
    this.#left = direction === "inbound" ? Noise.preambleSize : 0
  }

  /** Whether a message has begun and is not complete. */
  get inside(): boolean {
    return this.#left > 0 || this.#header > 0
  }

  read(chunk: Uint8Array | string): void {
    if (typeof chunk === "string") return
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at)
        this.#left -= taken
        at += taken
      } else {
        this.#length = this.#length * 256 + chunk[at++]!
        if (++this.#header < headerSize) continue
        this.#left = this.#length
        this.#header = this.#length = 0
      }
    }
  }
}
