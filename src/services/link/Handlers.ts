/**
 * Runs the handlers of live sessions: each after the peer's last one has ended, so that no two ever work for one peer.
 */
import { Cause, Effect, Exit, Fiber, FiberSet } from "effect"
import { type NodeKey, short } from "../../protocol/NodeKey.ts"
import type { Points } from "../Buggify.ts"
import type { Connection } from "./Connection.ts"
import type { LiveSession } from "./LiveSession.ts"
import type { Registry } from "./Registry.ts"
import type { SessionHandler } from "./Session.ts"

type Waiter = () => void

/** One handler at a time for each peer, in the order in which they came. */
class Turns {
  /** Those that wait, while one is at work. */
  readonly #rows = new Map<NodeKey, Array<Waiter>>()

  /** Waits for the turn. `granted` is called in the moment in which it has it, and must give it back. */
  take(peer: NodeKey, granted: () => void): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const row = this.#rows.get(peer)
      if (row === undefined) {
        this.#rows.set(peer, [])
        granted()
        return resume(Effect.void)
      }
      const waiter = () => {
        granted()
        resume(Effect.void)
      }
      row.push(waiter)
      return Effect.sync(() => {
        const at = row.indexOf(waiter)
        if (at >= 0) row.splice(at, 1)
      })
    })
  }

  giveBack(peer: NodeKey): void {
    const next = this.#rows.get(peer)?.shift()
    if (next === undefined) this.#rows.delete(peer)
    else next()
  }
}

/** Gives what starts the handler of a session that has just become live; interrupting it ends the handler. */
export const make = Effect.fnUntraced(function* (
  handler: SessionHandler["Service"],
  registry: Registry["Service"],
  points: Points
) {
  const fork = yield* FiberSet.makeRuntime<never, void>()
  const turns = new Turns()

  const ended = (session: LiveSession, connection: Connection, exit: Exit.Exit<void>): Effect.Effect<void> => {
    if (Exit.isSuccess(exit)) return Effect.sync(() => session.handlerEnded("the session's handler ended"))
    session.handlerEnded("the session's handler failed")
    if (Cause.hasInterruptsOnly(exit.cause)) return Effect.void
    const told = { peer: short(session.peer), connection: connection.id }
    return Effect.annotateLogs(Effect.logError("The session's handler failed", exit.cause), told)
  }

  const announce = ({ direction, peer, remote }: LiveSession): Effect.Effect<void> =>
    Effect.flatMap(Effect.annotateLogs(Effect.logInfo("Session live"), { peer: short(peer), direction, remote }), () =>
      points.pass("link.live-before-handler")
    )

  const handled = (session: LiveSession, connection: Connection): Effect.Effect<void> => {
    let hasTurn = false
    const granted = () => {
      hasTurn = true
    }
    const work = () => {
      registry.publish({ session, connection })
      return handler.run(session)
    }
    const over = (exit: Exit.Exit<void>): Effect.Effect<void> => {
      if (!hasTurn) return ended(session, connection, exit)
      return Effect.flatMap(points.pass("link.handler-ended-before-next"), () => {
        turns.giveBack(session.peer)
        return ended(session, connection, exit)
      })
    }
    const inTurn = () => Effect.flatMap(turns.take(session.peer, granted), work)
    return Effect.onExit(
      Effect.suspend(() => Effect.flatMap(announce(session), inTurn)),
      over
    )
  }

  return (session: LiveSession, connection: Connection): Fiber.Fiber<void> =>
    fork(Effect.catchCause(handled(session, connection), () => Effect.void))
})
