/**
 * Peers of one node, in a thread of their own: those who ask for one thing after the other and wait for each answer, or
 * one who sends as much as the node takes. Told what to do by `Flood.ts`.
 */
import { Effect, Exit, Scope } from "effect"
import { parentPort, workerData } from "node:worker_threads"
import { Address } from "../../../src/protocol/Address.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import type { Session } from "../../../src/services/link/Session.ts"
import { ownTime } from "../Stopwatch.ts"
import * as Dribble from "./Dribble.ts"
import { answersWanted, asks, floods, type Part } from "./FloodPart.ts"
import * as SessionNode from "./SessionNode.ts"

const { hub, kind, numbers, role, size } = workerData as Part

const bodyOf = (tag: number): Uint8Array => new Uint8Array(size).fill(tag)

const asking = (session: Session, answers: Array<number>, now: () => number): Effect.Effect<never> =>
  Effect.forever(
    Effect.gen(function* () {
      const from = now()
      yield* session.send(kind, bodyOf(asks))
      yield* session.frames.take
      answers.push(now() - from)
    })
  )

/** As many as a write carries, again and again. */
const flooding = (session: Session): Effect.Effect<never> => {
  const bodies = Array.from({ length: Math.max(1, Math.floor((64 * 1024) / (Frame.headerSize + size))) }, () =>
    bodyOf(floods)
  )
  return Effect.forever(session.sendAll(kind, bodies))
}

/** The sessions of the nodes in this thread. */
const sessionsOf = Effect.gen(function* () {
  const address = new Address(hub)
  return yield* Effect.forEach(numbers, (number) =>
    Effect.gen(function* () {
      const node = yield* SessionNode.start({ number, handle: () => Effect.never })
      yield* node.want({ key: hub.key, address })
      return yield* node.session(hub.key)
    })
  )
})

/** What goes on between "go" and "stop", for each peer, and what has been answered. */
const works = Effect.gen(function* () {
  if (role === "dribbles") {
    const met = yield* Dribble.meet({ hub, numbers })
    return { sessions: [], begin: () => [Dribble.dribble(met, { kind, size })] }
  }
  const sessions = yield* sessionsOf
  const now = yield* ownTime
  const begin = (answers: ReadonlyArray<Array<number>>) =>
    sessions.map((session, at) => (role === "asks" ? asking(session, answers[at]!, now) : flooding(session)))
  return { sessions, begin }
})

const main = Effect.gen(function* () {
  const port = parentPort!
  const { begin, sessions } = yield* works
  port.postMessage("ready")
  return yield* Effect.forever(
    Effect.gen(function* () {
      yield* told(port, "go")
      const work = yield* Scope.make()
      const answers: ReadonlyArray<Array<number>> = numbers.map(() => [])
      for (const one of begin(answers)) yield* Effect.forkIn(one, work)
      yield* told(port, "stop")
      if (role === "asks") yield* enough(answers)
      yield* Scope.close(work, Exit.void)
      // An answer may still be on its way: nobody may take it for the next one's.
      for (const session of sessions) yield* settled(session)
      port.postMessage(answers)
    })
  )
})

/** Until there are so many answers that one more or less makes no difference, however slow the machine is. */
const enough = (answers: ReadonlyArray<ReadonlyArray<number>>): Effect.Effect<void> => {
  const counts = () => answers.map(({ length }) => length)
  const isEnough = () => Math.min(...counts()) >= answersWanted.least || Math.max(...counts()) >= answersWanted.most
  return Effect.repeat(Effect.yieldNow, { until: isEnough })
}

const told = (port: NonNullable<typeof parentPort>, word: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const hears = (message: unknown) => {
      if (message !== word) return
      port.off("message", hears)
      resume(Effect.void)
    }
    port.on("message", hears)
  })

/** Whatever is on its way has come: a last question is answered behind it. */
const settled = Effect.fnUntraced(function* (session: Session) {
  if (role !== "asks") return
  const last = new Uint8Array(3).fill(asks)
  yield* session.send(kind, last)
  while ((yield* session.frames.take).body.length !== last.length);
})

if (parentPort !== null) Effect.runFork(Effect.scoped(main))
