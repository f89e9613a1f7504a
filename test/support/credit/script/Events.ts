/** What users of a scripted run are told while they are not there. */
import { isDeepStrictEqual } from "node:util"
import { Effect } from "effect"
import * as Concerns from "../../../../src/services/credit/Concerns.ts"
import { Feed, type Item } from "../../../../src/services/delivery/Feed.ts"
import type { Board } from "./Board.ts"
import { nodeOf, step, type Step } from "./Steps.ts"

type Cursor = Item["cursor"]

const places = new WeakMap<Board, Map<string, Cursor>>()
const placesIn = (board: Board): Map<string, Cursor> => {
  const known = places.get(board) ?? new Map<string, Cursor>()
  places.set(board, known)
  return known
}

/** From here on the user reads nothing. */
export const leaves = (user: string): Step =>
  step(nodeOf(user), `${user} leaves`, (board) =>
    Effect.map(
      Effect.flatMap(Feed, ({ now }) => now),
      (cursor) => {
        placesIn(board).set(user, cursor)
        return true
      }
    )
  )

/** The user reads from where they left: of the kinds that begin so these, in this order, each once, and then nothing more. */
export const comesBack = (user: string, of: string, kinds: ReadonlyArray<string>): Step =>
  step(
    nodeOf(user),
    `${user} comes back and is told ${kinds.join(", ")}`,
    Effect.fnUntraced(function* (board) {
      const feed = yield* Feed
      const after = placesIn(board).get(user)
      const items = yield* feed.read({ audience: user, limit: 256, ...(after && { after }) })
      const told = items
        .map((item) => (item._tag === "Event" ? item.event.kind : item._tag))
        .filter((kind) => kind.startsWith(of))
      if (!isDeepStrictEqual(told, kinds)) board.broken = `${user} is told ${told.join(", ")}, not ${kinds.join(", ")}`
      const last = items.at(-1)?.cursor
      const more = yield* feed.read({ audience: user, limit: 256, ...(last && { after: last }) })
      if (last !== undefined && more.length > 0) board.broken = `${user} is told ${more.length} things twice`
      return true
    })
  )

/** Kinds of what waits for a user. */
export const waitsFor = (user: string) =>
  Effect.map(Concerns.all, (all) => all.filter(({ audience }) => audience === user).map(({ kind }) => kind))
