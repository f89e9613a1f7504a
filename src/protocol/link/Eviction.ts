/**
 * Who makes room when every slot is taken (docs/PROTOCOL.md, 4.6).
 *
 * Only strangers that dialled us ever go: not a peer that this node dialled, nor one that it wants to have. Some of
 * the slots are kept for those. Of the strangers, those are safe that an attacker cannot easily be: old ones, near ones,
 * useful ones, and some of different neighbourhoods; then the crowd of the largest neighbourhood loses its youngest. A
 * rush of newcomers gets half of the slots at the most, and a crowd takes none from a smaller one. Pure.
 */
export interface Policy {
  /** Slots that are kept for the peers of this node's own choice; a third of all if it is not given. */
  readonly reserved?: number | undefined
  /** A session is safe for so long after its start, in milliseconds. */
  readonly graceMillis: number
  /** Strangers with the shortest round trips that are safe. */
  readonly nearest: number
  /** Strangers that were useful last, likewise. */
  readonly useful: number
  /** Neighbourhoods of which one stranger each is safe. */
  readonly neighbourhoods: number
}

export const defaults: Policy = { graceMillis: 60_000, nearest: 8, useful: 8, neighbourhoods: 4 }

export interface Newcomer {
  /** `neighbourhoodOf` the IP address at the other end. */
  readonly neighbourhood: string
  readonly direction: "inbound" | "outbound"
  /** This node wants to stay connected to it. */
  readonly desired: boolean
}

/** A live session. Times are milliseconds of a clock that does not go back. */
export interface Occupant extends Newcomer {
  readonly id: number
  readonly since: number
  /** Smoothed; `undefined` before the first pong. */
  readonly rttMillis: number | undefined
  /** When it last brought something that this node had use for. */
  readonly usefulAt: number | undefined
}

export type Decision =
  | { readonly _tag: "Admit" }
  /** Ends this session, then the newcomer may take its place. */
  | { readonly _tag: "Evict"; readonly id: number }
  /** Nobody may be asked to leave: `busy`. */
  | { readonly _tag: "Refuse" }

const isStranger = ({ desired, direction }: Newcomer): boolean => direction === "inbound" && !desired

/** Slots that strangers may take; the others are kept for the peers of this node's own choice. */
export const forStrangers = ({ reserved }: Pick<Policy, "reserved">, slots: number): number =>
  slots - Math.min(slots, reserved ?? Math.floor(slots / 3))

/** All but the first `count` in this order, of those for which there is a measure; the others stay. */
const withoutFirst = (
  occupants: ReadonlyArray<Occupant>,
  count: number,
  measure: (occupant: Occupant) => number | undefined
): ReadonlyArray<Occupant> => {
  const ranked = occupants.flatMap((occupant) => {
    const value = measure(occupant)
    return value === undefined ? [] : [{ id: occupant.id, value }]
  })
  ranked.sort((a, b) => a.value - b.value || a.id - b.id)
  const safe = new Set(ranked.slice(0, count).map(({ id }) => id))
  return occupants.filter(({ id }) => !safe.has(id))
}

/** A number that nobody can foresee who does not know the salt (FNV-1a). */
const hash = (salt: number, text: string): number => {
  let h = (0x811c9dc5 ^ salt) >>> 0
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0
  return h
}

const byNeighbourhood = (occupants: ReadonlyArray<Occupant>): ReadonlyMap<string, ReadonlyArray<Occupant>> => {
  const groups = new Map<string, Array<Occupant>>()
  for (const occupant of occupants) {
    const group = groups.get(occupant.neighbourhood)
    if (group === undefined) groups.set(occupant.neighbourhood, [occupant])
    else group.push(occupant)
  }
  return groups
}

const oldest = (group: ReadonlyArray<Occupant>): Occupant =>
  group.reduce((a, b) => (b.since < a.since || (b.since === a.since && b.id < a.id) ? b : a))
const youngest = (group: ReadonlyArray<Occupant>): Occupant =>
  group.reduce((a, b) => (b.since > a.since || (b.since === a.since && b.id > a.id) ? b : a))

/** Without the oldest of some neighbourhoods, always the same ones for one salt. */
const withoutSome = (occupants: ReadonlyArray<Occupant>, count: number, salt: number): ReadonlyArray<Occupant> => {
  const groups = [...byNeighbourhood(occupants)].map(([name, group]) => ({ order: hash(salt, name), group }))
  groups.sort((a, b) => a.order - b.order)
  const safe = new Set(groups.slice(0, count).map(({ group }) => oldest(group).id))
  return occupants.filter(({ id }) => !safe.has(id))
}

/** The stranger who has to go, if one may. `salt`: drawn once by the process, and told to nobody. */
export const victim = (
  policy: Policy,
  occupants: ReadonlyArray<Occupant>,
  now: number,
  salt: number
): Occupant | undefined => {
  const settled = occupants.filter((occupant) => isStranger(occupant) && now - occupant.since >= policy.graceMillis)
  const diverse = withoutSome(settled, policy.neighbourhoods, salt)
  const far = withoutFirst(diverse, policy.nearest, ({ rttMillis }) => rttMillis)
  const idle = withoutFirst(far, policy.useful, ({ usefulAt }) => (usefulAt === undefined ? undefined : -usefulAt))
  const young = withoutFirst(idle, Math.floor(idle.length / 2), ({ since }) => since)
  let crowd: ReadonlyArray<Occupant> = []
  for (const group of byNeighbourhood(young).values()) {
    const isNewer = group.length === crowd.length && youngest(group).since > youngest(crowd).since
    if (group.length > crowd.length || isNewer) crowd = group
  }
  return crowd.length === 0 ? undefined : youngest(crowd)
}

/** Whether strangers may take the places of others at all now: they have not come in a rush. */
const isCalm = (policy: Policy, slots: number, strangers: ReadonlyArray<Occupant>, now: number): boolean =>
  strangers.filter(({ since }) => now - since < policy.graceMillis).length < Math.floor(forStrangers(policy, slots) / 2)

/** Whether no smaller neighbourhood would lose a place to a larger one. */
const isFair = (strangers: ReadonlyArray<Occupant>, from: string, of: string): boolean => {
  const size = (name: string) => strangers.filter(({ neighbourhood }) => neighbourhood === name).length
  return from === of || size(from) < size(of)
}

/** Whether a newcomer gets one of `slots`, and who leaves for it. */
export const admit = (
  policy: Policy,
  slots: number,
  occupants: ReadonlyArray<Occupant>,
  newcomer: Newcomer,
  now: number,
  salt: number
): Decision => {
  const strangers = occupants.filter(isStranger)
  const chosen = !isStranger(newcomer)
  if (occupants.length < slots && (chosen || strangers.length < forStrangers(policy, slots))) return { _tag: "Admit" }
  if (!chosen && !isCalm(policy, slots, strangers, now)) return { _tag: "Refuse" }
  const leaves = victim(policy, strangers, now, salt)
  return leaves !== undefined && (chosen || isFair(strangers, newcomer.neighbourhood, leaves.neighbourhood))
    ? { _tag: "Evict", id: leaves.id }
    : { _tag: "Refuse" }
}
