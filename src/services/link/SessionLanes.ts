/**
 * The lanes of one live session: which are open, who asks for one, and who waits for one. Their end is never the
 * session's, its end is theirs (docs/PROTOCOL.md, 4.7).
 *
 * Drives the machine of `Lanes.ts` and performs its actions at once, in the turn of the event.
 */
import { Effect } from "effect"
import type { ConnectionId } from "../../protocol/link/Arbiter.ts"
import * as Lanes from "../../protocol/link/Lanes.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Connection } from "./Connection.ts"
import type { Ended } from "./Ended.ts"
import type { SessionLane } from "./Session.ts"

/** A connection that is a lane or asks to be one, and what may be done with it. */
export interface Joiner extends SessionLane {
  readonly connection: Connection
  /** It is the lane from now on, or ends, if its peer is kept out by now: whether it is. */
  readonly open: () => boolean
  /** It is not, and ends. */
  readonly refuse: (detail: string) => void
  /** Another connection takes its lane. */
  readonly replace: () => void
  /** Its session ends for this reason: it brings nothing more, and ends when what it has to send has been sent. */
  readonly leave: (reason: Ended) => void
}

/** The session that a connection is to be a lane of. */
export interface Home {
  readonly peer: NodeKey
  readonly session: bigint
  /** The connection that is lane 0. */
  readonly connection: Connection
  /** The process that the session is with, as its HELLO said. */
  readonly instance: string
  readonly lanes: SessionLanes
}

interface Waiter {
  readonly lane: number
  readonly resume: (opened: Effect.Effect<SessionLane>) => void
}

export class SessionLanes {
  /** Lane 0. */
  readonly home: SessionLane
  readonly #probeTimeout: number
  readonly #joiners = new Map<ConnectionId, Joiner>()
  readonly #waiters = new Set<Waiter>()
  #state: Lanes.State
  #over = false
  #onEmpty: (() => void) | undefined

  /** With `lanes`, how many there may be, and `home`, the first of them. */
  constructor(lanes: number, home: SessionLane, probeTimeout: number) {
    this.#state = Lanes.initial(lanes)
    this.home = home
    this.#probeTimeout = probeTimeout
  }

  get count(): number {
    return this.#state.lanes
  }

  /** Those that are open, with lane 0. */
  get open(): ReadonlyArray<number> {
    return [0, ...Lanes.open(this.#state)]
  }

  /** The session is over, or says its last. */
  get over(): boolean {
    return this.#over
  }

  /** Waits until the lane is open. A lane that the session cannot have is a defect. */
  lane(lane: number): Effect.Effect<SessionLane> {
    return Effect.suspend(() => {
      if (!Number.isInteger(lane) || lane < 0 || lane >= this.count) {
        return Effect.die(new RangeError(`lane ${lane} of a session with lanes 0 to ${this.count - 1}`))
      }
      return Effect.callback((resume) => {
        // Here and not before, where another fiber may open it just afterwards, and wake nobody.
        const open = this.#holderOf(lane)
        if (open !== undefined) return resume(Effect.succeed(open))
        const waiter = { lane, resume }
        this.#waiters.add(waiter)
        return Effect.sync(() => void this.#waiters.delete(waiter))
      })
    })
  }

  /** Asks for the lane. Calls `open` or `refuse` once: now, or when it is known whether the one that has it lives. */
  ask(joiner: Joiner): void {
    if (this.#over) return joiner.refuse("the session is over")
    this.#joiners.set(joiner.connection.id, joiner)
    this.#tell({ _tag: "Join", connection: joiner.connection.id, lane: joiner.number })
  }

  /** The connection says its last: whatever it has or asks for is free. */
  leaves(connection: ConnectionId): void {
    this.#tell({ _tag: "Closed", connection })
  }

  /** The connection is over. */
  left(connection: ConnectionId): void {
    this.#joiners.delete(connection)
    this.leaves(connection)
    if (this.#joiners.size === 0) this.#onEmpty?.()
  }

  /** The session says its last: its lanes do so first. Calls `then` when all of them have ended. */
  finish(reason: Ended, then: () => void): void {
    this.#over = true
    for (const joiner of this.#joiners.values()) joiner.leave(reason)
    if (this.#joiners.size === 0) then()
    else this.#onEmpty = then
  }

  /** The session is over, and everything that is or would be a lane of it. */
  end(reason: Ended): void {
    this.#over = true
    for (const { connection } of this.#joiners.values()) connection.end(reason)
  }

  #holderOf(lane: number): SessionLane | undefined {
    if (lane === 0) return this.home
    const connection = Lanes.holder(this.#state, lane)
    return connection === undefined ? undefined : this.#joiners.get(connection)
  }

  #tell(event: Lanes.Event): void {
    if (this.#over) return
    const { actions, state } = Lanes.step(this.#state, event)
    this.#state = state
    for (const action of actions) this.#perform(action)
  }

  #perform(action: Lanes.Action): void {
    const { connection } = action
    const joiner = this.#joiners.get(connection)
    if (joiner === undefined) return
    switch (action._tag) {
      case "Open":
        if (joiner.open()) this.#opened(joiner)
        else this.#joiners.delete(connection)
        return
      case "Refuse":
        this.#joiners.delete(connection)
        return joiner.refuse(action.detail)
      case "Probe":
        return joiner.connection.probe(this.#probeTimeout, (answered) =>
          this.#tell({ _tag: "Probed", connection, answered })
        )
      case "Close":
        this.#joiners.delete(connection)
        return joiner.replace()
    }
  }

  #opened(joiner: Joiner): void {
    for (const waiter of this.#waiters) {
      if (waiter.lane !== joiner.number) continue
      this.#waiters.delete(waiter)
      waiter.resume(Effect.succeed(joiner))
    }
  }
}
