/**
 * Ways in the making: each begins with the leg over the tally of who is told of it.
 */
import type { NodeKey } from "../NodeKey.ts"
import type { Leg } from "./LiftPlan.ts"
import type { Way } from "./Route.ts"
import { type Edge, legFrom } from "./RouteOutlet.ts"

const isSameLeg = (one: Leg, other: Leg | undefined): boolean =>
  one.tally === other?.tally && one.from === other.from && one.to === other.to && one.by === other.by

/** Whether the legs are joined, go over no tally twice, and begin with the one over this edge. */
export const isFirst = (from: NodeKey, edge: Edge, legs: ReadonlyArray<Leg>): boolean =>
  isSameLeg(legFrom(from, edge), legs[0]) &&
  legs.every((leg, index) => index === 0 || legs[index - 1]?.to === leg.from) &&
  new Set(legs.map(({ tally }) => tally)).size === legs.length

/** The way with one leg more in front, or behind it. */
export const behind = (leg: Leg, room: bigint, way: Way): Way => ({
  legs: [leg, ...way.legs],
  room: room < way.room ? room : way.room
})
export const before = (leg: Leg, room: bigint, way: Way): Way => ({
  legs: [...way.legs, leg],
  room: room < way.room ? room : way.room
})

/** Two ways are one if they go over the same tallies in the same order. */
export const isSame = (one: Way, other: Way): boolean =>
  one.legs.length === other.legs.length && one.legs.every(({ tally }, index) => tally === other.legs[index]?.tally)
