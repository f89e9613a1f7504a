/**
 * The native chain on the links of a node: asks and answers, one session at a time (docs/PROTOCOL.md, 11).
 *
 * What comes in is sorted at once; questions of a peer are answered by one fiber of its session, in order, so that who asks for much
 * waits for itself. Everything a peer may say unasked, or leave unanswered here, is counted, and too much of it ends the session.
 */
import { Effect, Queue, Result, type Scope } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import type { BlockHeader } from "../../protocol/chain/BlockHeader.ts"
import * as ChainMessage from "../../protocol/chain/ChainMessage.ts"
import { type Frame, nameOf } from "../../protocol/link/Frame.ts"
import type { Alarms } from "../link/Alarms.ts"
import type { Session } from "../link/Session.ts"
import type { Penalty } from "./ChainMeter.ts"
import { read as readHeader } from "./HeaderTurn.ts"
import { Latest } from "./Latest.ts"
import type { NativeBlocks, NativeHeaders, NativeRules } from "./NativeParts.ts"
import { Neighbour, type Question } from "./Neighbour.ts"
import type { Holder } from "./Withheld.ts"

export interface Options {
  readonly rules: NativeRules
  readonly headers: NativeHeaders
  readonly blocks: NativeBlocks
  readonly alarms: Alarms
  readonly fork: (effect: Effect.Effect<void>) => void
  /** The greatest height of the best chain of headers that who has applied this block has; -1 if that is not known. */
  readonly heightOf: (tip: Neighbour["tip"]) => Effect.Effect<number, SqlError>
  /** A peer says that it has applied this block. */
  readonly claimed: (id: string, by: Holder) => Effect.Effect<void>
  /** The last headers up to the block that was applied last; none if that is the first one. */
  readonly line: () => ReadonlyArray<BlockHeader>
  /** The session with a peer ends for something that it must not do. */
  readonly penalised: (why: Penalty) => void
}

type Of<Tag extends ChainMessage.ChainMessage["_tag"]> = Extract<ChainMessage.ChainMessage, { readonly _tag: Tag }>
type Asked = Of<"Ask">
type Wanted = Of<"Want">
type Given = Of<"Blocks">
type Told = Of<"Tip">

/** The answer of who has nothing now. */
const nothing = (question: Question): ChainMessage.ChainMessage =>
  question._tag === "Ask"
    ? { _tag: "Headers", headers: [] }
    : { _tag: "Blocks", request: question.request, bodies: [], missing: true }

export type ChainLink = ReturnType<typeof make>

export const make = ({ alarms, blocks, claimed, fork, headers, heightOf, line, penalised, rules }: Options) => {
  const neighbours = new Map<Session, Neighbour>()
  let ids = 0

  const send = (session: Session, message: ChainMessage.ChainMessage): Effect.Effect<void> => {
    const { body, kind } = ChainMessage.encode(message)
    return session.send(kind, body)
  }

  const answerAsk = Effect.fnUntraced(function* (neighbour: Neighbour, { locator }: Asked) {
    const { id, session } = neighbour
    const found = yield* headers.asked(id, { locator })
    yield* send(session, { _tag: "Headers", headers: found.map((stored) => readHeader(rules, stored)) })
    remind(neighbour)
  })

  /** A peer that has not been told of this node's tip, because it was new between HELLO and the session, would never ask for bodies. */
  const remind = (neighbour: Neighbour): void => {
    const last = line().at(-1)
    if (last === undefined || neighbour.told === last.id || neighbour.tip.id === last.id) return
    neighbour.told = last.id
    neighbour.telling.offer({ _tag: "Tip", headers: line(), body: undefined })
  }

  const answerWant = Effect.fnUntraced(function* (session: Session, { ids, request }: Wanted) {
    for (let at = 0; at < ids.length;) {
      const found = yield* blocks.bodies(ids.slice(at), ChainMessage.mostBodies)
      const end = found.indexOf(undefined)
      const bodies = (end < 0 ? found : found.slice(0, end)).filter((body) => body !== undefined)
      yield* send(session, { _tag: "Blocks", request, bodies, missing: end >= 0 })
      if (end >= 0) return
      at += bodies.length
    }
  })

  const answer = (neighbour: Neighbour, question: Question): Effect.Effect<void> => {
    const { session } = neighbour
    return (question._tag === "Ask" ? answerAsk(neighbour, question) : answerWant(session, question)).pipe(
      Effect.catch((error) =>
        Effect.andThen(
          Effect.logWarning("The stored chain cannot be read", error),
          // Who is left without an answer would wait for it as long as the session lasts.
          send(session, nothing(question))
        )
      ),
      Effect.ensuring(Effect.sync(() => neighbour.answered(question)))
    )
  }

  /**
   * What of this node's best chain a peer is taken to have: up to its applied tip, or, as long as the headers of that are still to come,
   * as much as it has given headers of.
   */
  const place = ({ id, session, tip }: Neighbour): Effect.Effect<void> =>
    Effect.andThen(claimed(tip.id, { peer: session.peer, session: id }), heightOf(tip)).pipe(
      Effect.map((height) => blocks.raise(id, height < 0 ? Math.min(tip.height, headers.heightOf(id)) : height)),
      Effect.catch((error) => Effect.logWarning("The stored headers cannot be read", error))
    )

  const heard = (neighbour: Neighbour, line: ReadonlyArray<BlockHeader>): string | undefined => {
    if (!neighbour.hasAsked) return "HEADERS came that nobody asked for"
    neighbour.hasAsked = false
    neighbour.hasAnswered = true
    fork(headers.heard(neighbour.id, line) ?? Effect.void)
    return undefined
  }

  const given = (neighbour: Neighbour, { bodies, missing, request }: Given): string | undefined => {
    const ids = neighbour.given(request, bodies.length, missing)
    if (ids === undefined) return "BLOCKS came that nobody asked for"
    // A copy: what comes in is overwritten by what comes next.
    bodies.forEach((body, at) => blocks.got(neighbour.id, ids.got[at]!, Uint8Array.from(body)))
    for (const id of ids.missing) blocks.missing(neighbour.id, id)
    return undefined
  }

  const told = (neighbour: Neighbour, { body, headers: line }: Told): undefined => {
    const last = line.at(-1)
    if (last === undefined) return undefined
    neighbour.tip = { id: last.id, height: last.height }
    // Before the header is taken, so that nobody is asked for it then.
    if (body !== undefined) blocks.offer(last.id, Uint8Array.from(body))
    neighbour.heard.offer(line)
    return undefined
  }

  const sorted = (neighbour: Neighbour, message: ChainMessage.ChainMessage): string | undefined => {
    switch (message._tag) {
      case "Ask":
      case "Want":
        return neighbour.question(message)
      case "Headers":
        return heard(neighbour, message.headers)
      case "Blocks":
        return given(neighbour, message)
      case "Tip":
        return told(neighbour, message)
    }
  }

  const enter = (session: Session, tip: Neighbour["tip"], questions: Queue.Queue<Question>): Neighbour => {
    const neighbour: Neighbour = new Neighbour({
      id: ids++,
      session,
      tip,
      questions,
      since: alarms.now,
      telling: new Latest(fork, (message) => send(session, message)),
      heard: new Latest(fork, (line) =>
        Effect.andThen(headers.heard(neighbour.id, line) ?? Effect.void, place(neighbour))
      )
    })
    const { id } = neighbour
    const charge = (why: Penalty, detail: string) => {
      penalised(why)
      fork(session.close("violation", detail))
    }
    const about = { id, remote: session.remote }
    neighbours.set(session, neighbour)
    blocks.joined(
      {
        ...about,
        charge: (detail) => charge("body", detail),
        ask: (request, wanted) => {
          neighbour.wants.set(request, wanted)
          return send(session, { _tag: "Want", request, ids: wanted })
        }
      },
      -1
    )
    headers.joined({
      ...about,
      isChosen: session.direction === "outbound",
      charge,
      ask: (locator) => {
        if (neighbour.hasAsked) return Effect.void
        neighbour.hasAsked = true
        return send(session, { _tag: "Ask", locator })
      }
    })
    fork(place(neighbour))
    return neighbour
  }

  const received = (session: Session, frame: Frame): string | undefined => {
    const neighbour = neighbours.get(session)
    if (neighbour === undefined) return `${nameOf(frame.kind)} came from a node that has not said that it has a chain`
    const message = ChainMessage.decode(frame)
    if (message === undefined) return `${nameOf(frame.kind)} is nothing of a chain`
    return Result.isFailure(message) ? message.failure.message : sorted(neighbour, message.success)
  }

  const leave = ({ id, session }: Neighbour): void => {
    neighbours.delete(session)
    headers.left(id)
    blocks.left(id)
  }

  return {
    kinds: ChainMessage.kinds,
    /** With this peer until the scope closes; nothing where it has no chain. */
    join: (session: Session): Effect.Effect<void, never, Scope.Scope> => {
      const { chain } = session.hello
      if (chain === undefined) return Effect.void
      return Effect.gen(function* () {
        const neighbour = yield* Effect.acquireRelease(
          Effect.map(Queue.unbounded<Question>(), (questions) =>
            enter(session, { id: chain.tip, height: chain.height }, questions)
          ),
          (entered) => Effect.sync(() => leave(entered))
        )
        const answers = Effect.flatMap(Queue.take(neighbour.questions), (question) => answer(neighbour, question))
        yield* Effect.forkScoped(Effect.forever(answers, { disableYield: true }))
      })
    },
    /** A sentence says why the session ends: the peer has said what it must not say. */
    receive: (session: Session, frame: Frame): string | undefined => {
      const objection = received(session, frame)
      if (objection !== undefined) penalised("message")
      return objection
    },
    /** The best chain of headers has changed: some peers have blocks on it that they did not have on the last one. */
    replace: (): void => {
      for (const neighbour of neighbours.values()) fork(place(neighbour))
    },
    /** Tells all, but those that have it, of a new applied tip, with the last headers up to it, and its body if this node made it. */
    tell: (line: ReadonlyArray<BlockHeader>, body?: Uint8Array): void => {
      const last = line.at(-1)
      const carried = body !== undefined && body.length <= ChainMessage.mostTipBody ? body : undefined
      for (const neighbour of neighbours.values()) {
        if (last === undefined || neighbour.tip.id === last.id) continue
        neighbour.told = last.id
        neighbour.telling.offer({ _tag: "Tip", headers: line, body: carried })
      }
    },
    neighbours: () => neighbours.values()
  }
}
