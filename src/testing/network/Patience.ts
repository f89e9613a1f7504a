/**
 * How long the systems of hosts wait before they give something up, in microseconds.
 *
 * What ends such a wait draws nothing of the world: one more of them, or one that is called off, moves nothing else.
 */
import type { Scheduled } from "../world/EventHeap.ts"
import type { World } from "../world/World.ts"

/** A closed end takes what still comes and sends what it has still to say, as `TransportTcp` has it. */
export const linger = 1_000_000

/** A host that was dialled waits to hear of the connection (`tcp_synack_retries`). */
export const halfOpen = 63_000_000

/** Nothing is tried for longer (`tcp_retries2`). */
export const longest = 924_600_000

export const after = (world: World, micros: number, run: () => void): Scheduled => world.at(world.now + micros, run, -1)
