/**
 * Whether a document is between the right parties: this half's holder, as they have shown themselves, and the partner whose node
 * has sent it. Signatures are checked where they count.
 */
import { Equal } from "effect"
import type { NodeKey } from "../NodeKey.ts"
import { type Unfit, unfit } from "./Action.ts"
import type { Certificate } from "./Certificate.ts"
import type { Person } from "./Chad.ts"
import { other, type Side, type TallyDocument } from "./TallyDocument.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** Where the half is, for whoever is told that something does not fit. */
export const placeOf = (half: TallyHalf | undefined): string => (half === undefined ? "" : String(half.revision))

export const isSame = (one: Person, two: Person): boolean => one.agent === two.agent && one.cuid === two.cuid

/** Which of two parties is first: the one with the lower key of its node, at one node the one with the lower cuid. */
export const isBefore = (one: Person, two: Person): boolean =>
  one.agent < two.agent || (one.agent === two.agent && one.cuid < two.cuid)

/** What the holder has shown of themselves: in the half, and elsewhere. */
const shown = (half: TallyHalf | undefined, own: ReadonlyArray<Certificate>): ReadonlyArray<Certificate> => [
  ...own,
  ...(half?.draft === undefined ? [] : [half.draft.cert]),
  ...(half?.document === undefined ? [] : [half.document[half.side].cert])
]

/** Whether the holder has shown themselves so, word for word. */
export const isShown = (half: TallyHalf | undefined, cert: Certificate, own: ReadonlyArray<Certificate>): boolean =>
  shown(half, own).some((one) => Equal.equals(one, cert))

/** Whether it is at least a key that the holder signs with. */
export const isOwnKey = (half: TallyHalf | undefined, cert: Certificate, own: ReadonlyArray<Certificate>): boolean =>
  shown(half, own).some((one) => one.public === cert.public && isSame(one.chad, cert.chad))

/** Why a document cannot be this half's, whoever it comes from; undefined if it can. */
export const strange = (
  half: TallyHalf | undefined,
  document: TallyDocument,
  side: Side,
  me: NodeKey
): Unfit | undefined => {
  const holder = document[side].cert.chad
  const partner = document[other(side)].cert.chad
  const refuse = (reason: string, detail: string) => unfit("refused", reason, detail, placeOf(half))
  if (half !== undefined && (half.id !== document.uuid || half.side !== side))
    return refuse("another-tally", "The document is for another tally, or for the other side of it.")
  if (holder.agent !== me || (half !== undefined && half.holder !== holder.cuid))
    return refuse("another-holder", "The document names somebody else on this side.")
  if (isSame(holder, partner)) return refuse("with-oneself", "A tally is between two parties.")
  if (half?.partner !== undefined && !isSame(half.partner, partner))
    return refuse("another-partner", "The document names another partner than the tally has.")
  return undefined
}

/** Why a message of this node about a half is none of its partner's; undefined if it is. */
export const foreign = (half: TallyHalf, from: NodeKey, by: Side): Unfit | undefined =>
  half.partner?.agent === from && by === other(half.side)
    ? undefined
    : unfit("refused", "not-the-partner", "The message does not come from the tally's partner.", placeOf(half))
