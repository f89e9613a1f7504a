/** Two parties of a scripted run, and how they come to a tally: a1 drafts and is stock, b1 shows a ticket and is foil. */
import { Effect, Schema } from "effect"
import { Cuid } from "../../../../src/protocol/credit/Chad.ts"
import { Invitation } from "../../../../src/protocol/credit/Invitation.ts"
import * as Document from "../../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../../src/protocol/credit/TallyHalf.ts"
import * as Users from "../../../../src/services/credit/Users.ts"
import { uuidOf } from "../../../../src/testing/credit/CreditCast.ts"
import type { Board } from "./Board.ts"
import { does, has, sees, type Step } from "./Steps.ts"
import type { Opened } from "./ScriptedCredit.ts"

export const tally = Document.TallyId.make(uuidOf("the tally of a script"))
/** What the first draft grants foil, in milli-CHIP. */
export const limit = 1_000n

/** Open from the beginning: either may owe the other so much. */
export const opened: Opened = { id: tally, stock: "a1", foil: "b1", grants: { stock: limit, foil: limit } }

const isInvitation = Schema.is(Invitation)

/** What a step has kept. */
export const invitationIn = (board: Board): Invitation => {
  const kept = board.kept.get("invitation")
  if (!isInvitation(kept)) throw new Error("nobody has made a ticket yet")
  return kept
}

export const drafts: Step = does("a1", "a1 drafts", {
  _tag: "DraftTally",
  tally,
  side: "stock",
  terms: { limit },
  partnerTerms: { limit: 0n }
})

export const ticket = (reuse: boolean, life = 3_600_000): Step =>
  does("a1", "a1 makes a ticket", { _tag: "IssueTicket", tally, reuse, life }, ({ invitation }, board) => {
    board.kept.set("invitation", invitation)
  })

/** b1 shows the ticket, in a request of this name. */
export const shows = (request: string): Step =>
  does("b1", `b1 shows the ticket as ${request}`, (board) => ({
    _tag: "ShowTicket",
    invitation: invitationIn(board),
    request: uuidOf(request)
  }))

export const offers = (user = "a1"): Step => does(user, `${user} offers`, { _tag: "OfferTally", tally })
export const accepts = (user: string, revision = 1): Step =>
  does(user, `${user} accepts`, { _tag: "AcceptTally", tally, revision })

export const isNow = (user: string, status: TallyHalf["status"]): Step =>
  sees(user, tally, status, (half) => half.status === status)
export const isStill = (user: string, status: TallyHalf["status"]): Step =>
  has(user, tally, status, (half) => half?.status === status)

/** Up to the offer that is to be made. */
export const met: ReadonlyArray<Step> = [
  drafts,
  ticket(false),
  shows("request"),
  sees("a1", tally, "who has the ticket", ({ draft }) => draft?.partner !== undefined)
]

/** Open at both ends, and both know it. */
export const agreed: ReadonlyArray<Step> = ["a1", "b1"].flatMap((user) => [
  isNow(user, "open"),
  sees(user, tally, "that both know", ({ wish }) => wish === undefined)
])

export const ofTally = (kind: string): boolean => kind.startsWith("tally.")

/** An opening by foil, who has signed other terms or another certificate than stock. */
export const forgedOpen = (other: (document: Document.TallyDocument) => Document.TallyDocument) =>
  Effect.fnUntraced(function* (board: Board) {
    const offer = board.heard("Offer", "a", "b")[0]?.message
    const user = yield* Users.get(Cuid.make("b1"))
    if (offer === undefined || user === undefined) return undefined
    const document = other(offer.document)
    const foil = yield* Users.sign(user, "tally", Document.digest(document), undefined)
    const signs = { ...offer.signs, ...(foil && { foil }) }
    return { _tag: "Open", by: "foil", document, signs, heard: false } as const
  })
