/**
 * Credit as nodes of a scripted run have it: every message passes the run's board, which says what becomes of it and is told what the
 * receiver has answered.
 */
import { Effect, Result } from "effect"
import { codec } from "../../../../src/protocol/Cbor.ts"
import { CreditMessage } from "../../../../src/protocol/credit/CreditMessage.ts"
import * as CreditProtocol from "../../../../src/services/credit/CreditProtocol.ts"
import { type Handled, Nevertheless, Rejected } from "../../../../src/services/delivery/Protocol.ts"
import { Identity } from "../../../../src/services/link/Identity.ts"
import type { Board } from "./Board.ts"

const { decode } = codec("a message of a script", CreditMessage)

const answerOf = ({ outcome }: Pick<Nevertheless, "outcome">): string => {
  if (outcome._tag === "Refused") return `refused: ${outcome.reason}`
  return outcome._tag.toLowerCase()
}

export const tampered = (board: Board): Handled<CreditProtocol.Services> => {
  const { handled } = CreditProtocol.Credit
  return {
    ...handled,
    // Messages that came together would pass the board by.
    handleAll: undefined,
    mostTogether: 0,
    handle: Effect.fnUntraced(function* (body, origin) {
      const decoded = decode(body)
      if (Result.isFailure(decoded)) return yield* handled.handle(body, origin)
      const [from, to] = [board.nameOf(origin.peer), board.nameOf((yield* Identity).key)]
      const came = { id: origin.id, from, to, message: decoded.success }
      const fate = board.fateOf(origin.id, from, to, decoded.success)
      if (fate === "held") return yield* Rejected.later("100 millis")
      if (fate === "lost") return board.hear({ ...came, answer: "lost" })
      const outcome = yield* Effect.tapErrorTag(handled.handle(body, origin), "Rejected", (rejected) =>
        Effect.sync(() => board.hear({ ...came, answer: answerOf(rejected) }))
      )
      board.hear({ ...came, answer: outcome instanceof Nevertheless ? answerOf(outcome) : "ok" })
      return outcome
    })
  }
}
