/**
 * What happened to the connections with a peer: all that the node remembers, and what comes.
 */
import { Clock, Console, Effect } from "effect"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Transition } from "../../services/link/Transition.ts"
import { ask } from "./Client.ts"
import { json, print, Root } from "./Root.ts"
import { moment, printable, table } from "./Table.ts"

const headings = ["WHEN", "CONNECTION", "FROM", "TO", "WHERE", "WHY"]

const cells = (
  { at, connection, detail, direction, from, reason, remote, session, to }: Transition,
  now: number
): ReadonlyArray<string> => [
  moment(at, now),
  `${connection} ${direction}${session === undefined ? "" : ` session ${session}`}`,
  from ?? "",
  to,
  remote,
  [reason, detail === undefined ? undefined : printable(detail)].filter((part) => part !== undefined).join(": ")
]

const transitionTable = (now: number) => (transitions: ReadonlyArray<Transition>) =>
  transitions.length === 0
    ? "Nothing has happened with this peer since the node started."
    : table(
        headings,
        transitions.map((transition) => cells(transition, now))
      )

const line = (transition: Transition, now: number): string => {
  const [when, connection, from = "", to = "", where, why = ""] = cells(transition, now)
  return [when, connection, from === "" ? to : `${from} -> ${to}`, where, why].filter((cell) => cell !== "").join("  ")
}

const read = (key: NodeKey) => ask((client) => client.transitions({ params: { key } }))

export const showTransitions = Effect.fnUntraced(function* (key: NodeKey) {
  yield* print(yield* read(key), transitionTable(yield* Clock.currentTimeMillis))
})

const isSame = (a: Transition, b: Transition): boolean =>
  a.at === b.at && a.connection === b.connection && a.from === b.from && a.to === b.to

/** What comes after `last`. All of it if that is no longer there: the node has started anew, or much has happened. */
export const newsOf = (all: ReadonlyArray<Transition>, last: Transition | undefined): ReadonlyArray<Transition> =>
  last === undefined ? all : all.slice(all.findLastIndex((transition) => isSame(transition, last)) + 1)

/** Looks again and again: shows, one per line, what is new since the last time; at first everything. */
export const followTransitions = (key: NodeKey) => {
  let last: Transition | undefined
  return Effect.gen(function* () {
    const root = yield* Root
    const now = yield* Clock.currentTimeMillis
    for (const transition of newsOf(yield* read(key), last)) {
      yield* Console.log(root.json ? json(transition) : line(transition, now))
      last = transition
    }
  })
}
