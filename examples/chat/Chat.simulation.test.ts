/**
 * The chat protocol in simulated worlds: the same protocol value on the same nodes, in virtual time, with everything
 * going wrong that can. Copy this for a protocol of your own.
 */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { check } from "holdfast/testing/campaign/Check"
import * as Scenario from "holdfast/testing/cluster/Scenario"
import { Chat, createTable, lines, say } from "./Chat.ts"

const chat = Scenario.make({
  name: "chat",
  protocols: [Chat.handled],
  tables: createTable,
  database: "pglite",
  // At each node, in each of its lives: says something to somebody now and then.
  users: ({ duration, operations, peers, random }) =>
    Effect.forEach(Array.from({ length: operations }), (_, n) =>
      Effect.gen(function* () {
        yield* Effect.sleep(random.below((2 * duration) / operations))
        const peer = random.pick(peers)
        // A database that fails is a user's bad day: what was not committed was not said.
        if (peer !== undefined) yield* Effect.ignore(say(peer.key, "garden", `line ${n}`))
      })
    ),
  properties: [
    Scenario.together(
      "both sides have the same lines",
      ({ key, peers }) =>
        Effect.forEach(peers, (peer) =>
          Effect.map(lines(peer.key, "garden"), (all) => ({ between: [key, peer.key].sort().join(), all, key }))
        ),
      (answers) => {
        const rooms = Map.groupBy([...answers.values()].flat(), ({ between }) => between)
        for (const [between, [one, other]] of rooms) {
          const mine = (side: typeof one, isMine: boolean) =>
            JSON.stringify(side?.all.filter((line) => line.mine === isMine).map(({ text }) => text))
          if (mine(one, true) !== mine(other, false) || mine(one, false) !== mine(other, true)) return between
        }
        return undefined
      }
    )
  ]
})

it("has every line once on both sides, whatever goes wrong", { timeout: 300_000 }, () =>
  // Without backups that are restored: this chat does not bring back what its peers have lost.
  check(chat, { seeds: 3, nodes: 2, duration: 10_000, operations: 10, without: ["disk"] })
)
