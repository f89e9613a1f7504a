/**
 * What can happen to a half of a tally before it is open, and what it answers: commands of its holder, and what the partner says.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { Action, Stepped, Unfit } from "./Action.ts"
import type { Certificate } from "./Certificate.ts"
import type { Cuid } from "./Chad.ts"
import type * as Message from "./CreditMessage.ts"
import type { Signature } from "./Signature.ts"
import { other, type Side, type TallyDocument, type TallyId } from "./TallyDocument.ts"
import type { Draft, TallyHalf } from "./TallyHalf.ts"

/** Messages that a half can get, open or not. Those of the chain are not among them. */
export type TallyMessage =
  | typeof Message.Offer.Type
  | typeof Message.Open.Type
  | typeof Message.Withdraw.Type
  | typeof Message.Refuse.Type
  | typeof Message.Revise.Type

/** A tally that begins here. */
interface Begun {
  readonly holder: Cuid
  readonly id: TallyId
  readonly side: Side
  readonly draft: Draft
}

/** Who is who here. */
interface Here {
  /** This node. */
  readonly me: NodeKey
  /** What the holder has given to others as a certificate, besides what the half has: with tickets, or as a standard. */
  readonly own: ReadonlyArray<Certificate>
}

/** The holder drafts, or changes what was drafted. */
export interface Drafted extends Begun {
  readonly _tag: "Draft"
}
/**
 * The partner has come with a ticket that is good, for the tally of this id: with a reusable one for a copy, which `draft` is for.
 * What makes the same request the same id is the ticket's business.
 */
export interface Redeemed extends Begun {
  readonly _tag: "Redeemed"
  readonly from: NodeKey
  readonly partner: Certificate
}
/** The holder offers a document with their signature: first, anew, or against an offer. */
export interface Offered extends Here {
  readonly _tag: "Offer"
  readonly document: TallyDocument
  readonly sign: Signature
}
/** The holder accepts the document of this revision with their signature. */
export interface Accepted {
  readonly _tag: "Accept"
  readonly revision: number
  readonly sign: Signature
}
/** The holder refuses, or refuses and drafts something else, or takes back, or wants everything said again. */
export type Commanded =
  | { readonly _tag: "Refuse"; readonly revision: number }
  | { readonly _tag: "Revise"; readonly revision: number; readonly draft?: Draft }
  | { readonly _tag: "Withdraw" }
  | { readonly _tag: "Resend" }
/** A message of the node that `from` names, as the link has proved. */
export interface Heard<M extends TallyMessage = TallyMessage> extends Here {
  readonly _tag: "Heard"
  readonly from: NodeKey
  readonly message: M
}

export type TallyEvent = Drafted | Redeemed | Offered | Accepted | Commanded | Heard

export type TallyStep = Stepped<TallyHalf> | Unfit

/** Which half a message is for: of which tally, and which side. Its holder is in the document, or in the half that is there. */
export const addressee = (message: TallyMessage): { readonly tally: TallyId; readonly side: Side } => ({
  tally: "document" in message ? message.document.uuid : message.tally,
  side: other(message.by)
})

/** To the partner, if there is one yet. */
export const send = ({ partner }: TallyHalf, message: Message.CreditMessage): ReadonlyArray<Action> =>
  partner === undefined ? [] : [{ _tag: "Send", to: partner.agent, message }]

/** An event for the holder. Its body names the revision, the status that the half has got, and the partner. */
export const tell = (half: TallyHalf, kind: string, more: Readonly<Record<string, unknown>> = {}): Action => ({
  _tag: "Tell",
  user: half.holder,
  subject: half.id,
  kind,
  body: {
    tally: half.id,
    side: half.side,
    revision: half.revision,
    status: half.status,
    ...(half.partner && { partner: half.partner.cuid }),
    ...more
  }
})
