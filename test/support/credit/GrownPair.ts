/**
 * A pair of halves with a long chain of chits that both have, put into their memory without the work of signing and sending it.
 */
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import type { Side } from "../../../src/protocol/credit/TallyDocument.ts"
import { agents, pledge, tally, uuid } from "./Parties.ts"
import { TallyPair } from "./TallyPair.ts"

export const grown = (length: number): TallyPair => {
  const pair = new TallyPair()
  const first = pledge("foil", 0)
  let at = pair.stock.chain.at
  for (let n = 1; n <= length; n++) {
    // Nobody looks at the signature of a chit that has its place.
    const core = { ...first.chit.core, uuid: pledgeId(n) }
    const { sign } = first.chit
    if (sign === undefined) throw new Error("a pledge is signed")
    at = ChitLog.next(at, { core, sign })
    for (const side of ["stock", "foil"] satisfies ReadonlyArray<Side>) {
      const { chits, half, log } = pair.site(side)
      chits.set(core.uuid, { holder: half.holder, core, status: "good", revision: 1, sign, ...at, changed: 0 })
      log.push(core.uuid)
    }
  }
  const head = ChitLog.signHead(tally, at, agents.foil.sign)
  for (const site of [pair.stock, pair.foil]) {
    const chain = { ...site.chain, at, told: at.index, agreed: at.index, ...(site.side === "stock" ? { head } : {}) }
    site.half = { ...site.half, sums: { ...site.half.sums, net: 1_000n * BigInt(length) }, chain }
  }
  return pair
}

const pledgeId = (n: number) => Chit.ChitId.make(uuid(5, n))
