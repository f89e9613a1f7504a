/**
 * Which of two connections between the same two peers stays, by nothing but their directions and the order of the
 * peers: the rule of the founding plan in its own words, "the lower one keeps its outbound connection".
 *
 * Both sides decide alike only where nothing is lost and each has at most one dial under way. Holdfast nodes use
 * `Arbiter.ts` instead; this is for wires on which nobody can say what they still hold.
 */

export type Direction = "inbound" | "outbound"

/**
 * Whether the existing connection stays and the new one is closed.
 *
 * The ids order the two peers, and must be the same two on both sides: node keys, or IP addresses as numbers, since
 * their texts compare wrongly. Equal ids have no order: refuse such a peer before it comes to this.
 */
export const keepExisting = <Id extends string | number | bigint>(
  local: Id,
  peer: Id,
  existing: Direction,
  incoming: Direction
): boolean => existing === incoming || local < peer === (existing === "outbound")
