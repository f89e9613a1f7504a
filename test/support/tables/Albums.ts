/**
 * Nodes that give each other stamps, and keep in records what they have given and got: of each album the stamps and their sum, which
 * must always fit together, and what a peer has lost with its disk is given again.
 */
import { Clock, Effect, Schema } from "effect"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { Delivery } from "../../../src/services/delivery/Delivery.ts"
import * as Protocol from "../../../src/services/delivery/Protocol.ts"
import { Records } from "../../../src/services/Records.ts"
import { maxPage } from "../../../src/services/RecordTable.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import * as Scenario from "../../../src/testing/cluster/Scenario.ts"
import { epoch } from "../../../src/testing/world/Process.ts"
import { begin, pause } from "./Talk.ts"

const Stamp = Schema.Struct({ album: Schema.String, number: Schema.Int, worth: Schema.BigInt })
const Kept = Schema.Struct({ peer: NodeKey, ...Stamp.fields })

const given = Records.table("stamps_given", { row: Kept, key: ({ album, number, peer }) => [peer, album, number] })
const got = Records.table("stamps_got", {
  row: Kept,
  key: ({ album, number, peer }) => [peer, album, number],
  indexes: { worth: ({ peer, worth }) => (worth % 2n === 0n ? [peer, worth] : undefined) }
})
const albums = Records.table("albums", {
  row: Schema.Struct({ peer: NodeKey, album: Schema.String, count: Schema.Int, worth: Schema.BigInt }),
  key: ({ album, peer }) => [peer, album],
  indexes: { size: ({ count }) => [count] }
})

const handle = Effect.fnUntraced(function* (stamp: typeof Stamp.Type, { peer }: Protocol.Origin) {
  const { claim, insert, lock, replace } = yield* Records
  if (!(yield* insert(got, { peer, ...stamp }))) return yield* Protocol.Rejected.stale("there already")
  const { album, worth } = stamp
  yield* claim(`album ${peer} ${album}`)
  const known = yield* lock(albums, [peer, album])
  if (known === undefined) yield* insert(albums, { peer, album, worth, count: 1 })
  else yield* replace(albums, { ...known, worth: known.worth + worth, count: known.count + 1 })
})

const Stamps = Protocol.make("stamps", {
  messages: Stamp,
  subject: ({ album }) => album,
  handle,
  pending: (peer) => Effect.flatMap(Records, ({ page }) => page(given, "key", { prefix: [peer], limit: maxPage }))
})

const give = Effect.fnUntraced(function* (self: Scenario.Self, turn: number) {
  const peer = self.peers[turn % self.peers.length]!.key
  const stamp = { album: `album ${turn % 3}`, number: turn, worth: BigInt(turn) ** 17n }
  yield* (yield* Records).put(given, { peer, ...stamp })
  yield* (yield* Delivery).send(peer, Stamps, stamp)
})

/** As in `Talk`: one after the other, and the turns whose time has not passed when a life begins. */
const users = Effect.fnUntraced(function* (self: Scenario.Self) {
  const { within } = yield* Transactions
  const place = self.name.charCodeAt(0) - "a".charCodeAt(0)
  for (let turn = 0; turn < self.operations; turn++) {
    const at = epoch + begin + pause * (turn * (self.peers.length + 1) + place)
    const wait = at - (yield* Clock.currentTimeMillis)
    if (wait < 0) continue
    yield* Effect.sleep(wait)
    yield* Effect.ignore(within(give(self, turn)))
  }
})

/** All that a node has, in the orders of its keys and of its indexes. */
const tables = Effect.gen(function* () {
  const { page } = yield* Records
  const [limit, backwards] = [maxPage, true]
  return {
    given: yield* page(given, "key", { limit }),
    got: yield* page(got, "key", { limit }),
    albums: yield* page(albums, "key", { limit }),
    byWorth: yield* page(got, "worth", { limit, backwards }),
    bySize: yield* page(albums, "size", { limit, backwards })
  }
})
export type Tables = Effect.Success<typeof tables>

/** What does not fit together at one node. */
const wrong = ({ albums, bySize, byWorth, got }: Tables): string | undefined => {
  for (const { album, count, peer, worth } of albums) {
    const own = got.filter((stamp) => stamp.peer === peer && stamp.album === album)
    const sum = own.reduce((total, stamp) => total + stamp.worth, 0n)
    if (own.length !== count || sum !== worth) return `${album} of ${peer} has ${own.length} stamps and says ${count}`
  }
  const stamps = albums.reduce((total, { count }) => total + count, 0)
  if (stamps !== got.length) return `${got.length} stamps, ${stamps} in albums`
  if (bySize.length !== albums.length) return `${bySize.length} albums by size, ${albums.length} in all`
  const even = got.filter(({ worth }) => worth % 2n === 0n).length
  return byWorth.length === even ? undefined : `${byWorth.length} stamps by worth, ${even} in all`
}

/** What was given and is not there. */
const missing = (nodes: ReadonlyMap<string, Tables & { readonly key: NodeKey }>): string | undefined => {
  for (const giver of nodes.values()) {
    for (const taker of nodes.values()) {
      const has = new Set(taker.got.filter(({ peer }) => peer === giver.key).map(({ number }) => number))
      const lost = giver.given.find(({ number, peer }) => peer === taker.key && !has.has(number))
      if (lost !== undefined) return `stamp ${lost.number} has not arrived`
    }
  }
  return undefined
}

/** `end` hears of the tables of all nodes, once the run is quiet. */
export const scenario = (end: (tables: ReadonlyMap<string, Tables>) => void = () => undefined) =>
  Scenario.make({
    name: "albums",
    protocols: [Stamps.handled],
    tables: Effect.forEach([given, got, albums], (table) => Records.migration(table)),
    users,
    properties: [
      Scenario.eventually("albums and stamps fit together", () => Effect.map(tables, wrong)),
      Scenario.together(
        "what is given arrives",
        ({ key }) => Effect.map(tables, (all) => ({ ...all, key })),
        (answers) => {
          end(answers)
          return missing(answers)
        }
      )
    ]
  })
