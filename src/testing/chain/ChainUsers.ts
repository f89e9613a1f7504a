/**
 * The users of a node in the scenario `chain`: they give it items for its blocks, and where nobody has to sign they have blocks made.
 * Who cannot stay connected with the others dials them, and a foreigner is dialled as well.
 */
import { Effect } from "effect"
import { Chain } from "../../services/chain/Chain.ts"
import { Node } from "../../services/Node.ts"
import { Place } from "../cluster/Place.ts"
import type { Self } from "../cluster/Scenario.ts"
import { addressOf, castOf, wants } from "./ChainCast.ts"
import * as ChainItem from "./ChainItem.ts"

/** In a million: operations that make a block, and a body too large to come with its announcement. */
const [produces, large] = [500_000, 50_000]

/** As many operations as the plan says, spread over the time there is; what fails is not tried again. */
export const users = Effect.fnUntraced(function* ({ duration, key, name, operations, peers, random }: Self) {
  const { count } = yield* Place
  const chain = yield* Chain
  const { connect } = yield* Node
  const nodes = [{ name, key }, ...peers].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const { interval, partOf } = castOf(nodes)
  for (const peer of peers) if (!wants(name, peer.name, nodes)) yield* Effect.ignore(connect(addressOf(peer)))
  const isMaker = partOf(name) === "honest" && interval === undefined
  for (let done = 0; done < operations; done++) {
    yield* Effect.sleep(random.exponential((duration / (operations + 1)) * 1_000) / 1_000)
    const padding = random.chance(large) ? 70_000 : random.below(200)
    yield* Effect.ignore(chain.submit(ChainItem.encode(random.below(1_000_000), padding)))
    if (!isMaker || !random.chance(produces)) continue
    const made = yield* Effect.option(chain.produce)
    count(made._tag === "Some" ? "chain: blocks made by users" : "chain: blocks not made")
  }
})
