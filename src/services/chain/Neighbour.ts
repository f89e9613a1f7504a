/**
 * One session with a peer that has the same chain: what is unanswered on either side, bounded. Plain and mutable.
 */
import { Queue } from "effect"
import type { ChainMessage } from "../../protocol/chain/ChainMessage.ts"
import type { BlockHeader } from "../../protocol/chain/BlockHeader.ts"
import type { Session } from "../link/Session.ts"
import type { Latest } from "./Latest.ts"

/** What a peer asks. */
export type Question = Extract<ChainMessage, { readonly _tag: "Ask" | "Want" }>

/** Questions of a peer that may be unanswered (docs/PROTOCOL.md, 11). */
export const mostUnanswered = { Ask: 1, Want: 4 } as const

/** What an answer is about. */
export interface Given {
  /** Of the bodies, in their order. */
  readonly got: ReadonlyArray<string>
  /** What the peer does not have. */
  readonly missing: ReadonlyArray<string>
}

type Parts = Pick<Neighbour, "id" | "session" | "tip" | "questions" | "telling" | "heard">
type Beginning = Parts & { readonly since: number }

export class Neighbour {
  /** A number of this process. */
  readonly id: number
  readonly session: Session
  /** The block that the peer has applied last, as it says. */
  tip: { readonly id: string; readonly height: number }
  /** The block of which it was told on this session that this node has applied it last. */
  told: string | undefined
  /** This node has asked it for headers, and has no answer. */
  hasAsked = false
  /** It has said what it has. */
  hasAnswered = false
  /** What it was asked for and has not given, by request. */
  readonly wants = new Map<number, ReadonlyArray<string>>()
  /** What it asks, to be answered in order. */
  readonly questions: Queue.Queue<Question>
  readonly #unanswered = { Ask: 0, Want: 0 }

  /** Tips that the peer is told of, and those that it tells of. */
  readonly telling: Latest<ChainMessage>
  readonly heard: Latest<ReadonlyArray<BlockHeader>>
  readonly #since: number

  /** `since`: when it came, in monotonic milliseconds. The queue is bounded by `mostUnanswered`. */
  constructor(of: Beginning) {
    this.id = of.id
    this.session = of.session
    this.tip = of.tip
    this.questions = of.questions
    this.telling = of.telling
    this.heard = of.heard
    this.#since = of.since
  }

  /** It has come less than `millis` ago, and has not said yet what it has. */
  isSilent(now: number, millis: number): boolean {
    return !this.hasAnswered && now - this.#since < millis
  }

  /** The peer asks something. A sentence says that it asks too much at once. */
  question(question: Question): string | undefined {
    const { _tag } = question
    if (this.#unanswered[_tag] >= mostUnanswered[_tag])
      return `${_tag.toUpperCase()} came while ${mostUnanswered[_tag]} were unanswered`
    this.#unanswered[_tag]++
    Queue.offerUnsafe(this.questions, question)
    return undefined
  }

  answered({ _tag }: Question): void {
    this.#unanswered[_tag]--
  }

  /** An answer with so many bodies; `isLast`: it has no more. Nothing if it is no answer to what was asked. */
  given(request: number, bodies: number, isLast: boolean): Given | undefined {
    const ids = this.wants.get(request)
    if (ids === undefined || bodies > ids.length || (bodies === 0 && !isLast)) return undefined
    const rest = ids.slice(bodies)
    if (rest.length === 0 || isLast) this.wants.delete(request)
    else this.wants.set(request, rest)
    return { got: ids.slice(0, bodies), missing: isLast ? rest : [] }
  }
}
