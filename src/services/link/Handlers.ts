/**
 * Runs the handlers of live sessions: each after the peer's last one has ended, so that no two ever work for one peer.
 */
import { Cause, Effect, Exit, Fiber, FiberSet, Semaphore } from "effect"
import { type NodeKey, short } from "../../protocol/NodeKey.ts"
import type { Points } from "../Buggify.ts"
import type { Connection } from "./Connection.ts"
import type { LiveSession } from "./LiveSession.ts"
import type { Registry } from "./Registry.ts"
import type { SessionHandler } from "./Session.ts"

/** A peer's place in the row, and how many sessions stand there. */
interface Turn {
  readonly semaphore: Semaphore.Semaphore
  waiting: number
}

/** Gives what starts the handler of a session that has just become live; interrupting it ends the handler. */
export const make = Effect.fnUntraced(function* (
  handler: SessionHandler["Service"],
  registry: Registry["Service"],
  points: Points
) {
  const fork = yield* FiberSet.makeRuntime<never, void>()
  const turns = new Map<NodeKey, Turn>()

  const inTurn = (peer: NodeKey, handling: Effect.Effect<void>): Effect.Effect<void> => {
    const turn = turns.get(peer) ?? { semaphore: Semaphore.makeUnsafe(1), waiting: 0 }
    turns.set(peer, turn)
    turn.waiting++
    return Effect.onExit(turn.semaphore.withPermit(handling), () =>
      Effect.sync(() => {
        if (--turn.waiting === 0) turns.delete(peer)
      })
    )
  }

  const ended = (session: LiveSession, connection: Connection, exit: Exit.Exit<void>): Effect.Effect<void> => {
    if (Exit.isSuccess(exit)) return Effect.sync(() => session.handlerEnded("the session's handler ended"))
    session.handlerEnded("the session's handler failed")
    if (Cause.hasInterruptsOnly(exit.cause)) return Effect.void
    const told = { peer: short(session.peer), connection: connection.id }
    return Effect.annotateLogs(Effect.logError("The session's handler failed", exit.cause), told)
  }

  const begin = (session: LiveSession, connection: Connection) =>
    Effect.suspend(() => {
      registry.publish({ session, connection })
      return handler.run(session)
    })

  return (session: LiveSession, connection: Connection): Fiber.Fiber<void> => {
    const { direction, peer, remote } = session
    const live = Effect.annotateLogs(Effect.logInfo("Session live"), { peer: short(peer), direction, remote })
    const handling = Effect.andThen(
      Effect.andThen(live, points.pass("link.live-before-handler")),
      inTurn(
        peer,
        Effect.onExit(begin(session, connection), () => points.pass("link.handler-ended-before-next"))
      )
    )
    return fork(Effect.flatMap(Effect.exit(handling), (exit) => ended(session, connection, exit)))
  }
})
