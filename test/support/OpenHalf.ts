/** A half of a tally that both parties have open, with nothing written on it. */
import * as Document from "../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../src/protocol/credit/TallyHalf.ts"
import { blank, opened } from "../../src/protocol/credit/Opening.ts"
import { documentBy, type Parties, signed, tally } from "./TallyParties.ts"

export const openHalf = (parties: Parties, side: Document.Side): TallyHalf => {
  const document = documentBy(parties, "stock", 1)
  const signs = { stock: signed(parties.stock, document), foil: signed(parties.foil, document) }
  return opened(blank(parties[side].cuid, tally, side), document, signs)
}
