/**
 * What is simpler than an entry of a plan. Choices give variants, of which the first that still fails is taken; amounts
 * are numbers of which less is simpler, to be searched.
 */
import type { Entry, Fault } from "../faults/FaultPlan.ts"

/** At a time instead of at the nth of something. `time`: when it struck, in milliseconds. */
export const atTime = ({ fault, when }: Entry, time: number | undefined): ReadonlyArray<Entry> =>
  "at" in when || time === undefined ? [] : [{ when: { at: time }, fault }]

const ofFault =
  (variants: (fault: Fault) => ReadonlyArray<Fault>) =>
  ({ fault, when }: Entry): ReadonlyArray<Entry> =>
    variants(fault).map((fault) => ({ when, fault }))

const always = ofFault((fault) => ("share" in fault && fault.share !== 1 ? [{ ...fault, share: 1 }] : []))

const bothWays = ofFault((fault) => {
  if (!("oneWay" in fault)) return []
  const { oneWay: _, ...both } = fault
  return [both]
})

const diskKept = ofFault((fault) => {
  if (fault._tag !== "Kill" || fault.wipe === undefined) return []
  const { wipe: _, ...kept } = fault
  return [kept]
})

const constantLatency = ofFault((fault) => {
  if (!("latency" in fault)) return []
  const { floor, mean, tailShare } = fault.latency
  const constant = { ...fault, latency: { floor, mean: 0, tailShare: 0, tail: 1 } }
  const withoutTail = { ...fault, latency: { floor, mean, tailShare: 0, tail: 1 } }
  return mean === 0 && tailShare === 0 ? [] : [constant, withoutTail]
})

const healsForward = ofFault((fault) =>
  fault._tag === "Swizzle" && fault.heal !== "forward" ? [{ ...fault, heal: "forward" }] : []
)

/** Without the digits that nobody needs. */
const roundTime = ({ fault, when }: Entry): ReadonlyArray<Entry> =>
  "at" in when
    ? [1_000, 100, 10, 1]
        .map((unit) => Math.floor(when.at / unit) * unit)
        .filter((at) => at !== when.at)
        .map((at) => ({ when: { at }, fault }))
    : []

/** One after the other; each is asked of what the one before has left. */
export const choices: ReadonlyArray<(entry: Entry) => ReadonlyArray<Entry>> = [
  always,
  bothWays,
  diskKept,
  constantLatency,
  healsForward,
  roundTime
]

/** A number of an entry. */
export interface Amount {
  readonly value: number
  readonly lowest: number
  readonly set: (value: number) => Entry
}

/** Every number of which less is simpler; which there are does not depend on how much they are. */
export const amounts = (entry: Entry): ReadonlyArray<Amount> => {
  const { fault, when } = entry
  const found: Array<Amount> = []
  const add = (value: number, lowest: number, set: (value: number) => Entry) => found.push({ value, lowest, set })
  const addOfFault = (value: number, lowest: number, set: (value: number) => Fault) =>
    add(value, lowest, (value) => ({ when, fault: set(value) }))

  if ("at" in when) add(when.at, 0, (at) => ({ when: { at }, fault }))
  if ("frame" in when) add(when.frame.nth, 1, (nth) => ({ fault, when: { frame: { ...when.frame, nth } } }))
  if ("commit" in when) add(when.commit.nth, 1, (nth) => ({ fault, when: { commit: { ...when.commit, nth } } }))
  if ("site" in when) add(when.site.nth, 1, (nth) => ({ fault, when: { site: { ...when.site, nth } } }))
  if ("for" in fault && fault.for !== undefined) addOfFault(fault.for, 1, (millis) => ({ ...fault, for: millis }))
  if ("down" in fault) addOfFault(fault.down, 0, (down) => ({ ...fault, down }))
  if ("latency" in fault)
    addOfFault(fault.latency.floor, 0, (floor) => ({ ...fault, latency: { ...fault.latency, floor } }))
  if (fault._tag === "Ghost") addOfFault(fault.after, 0, (after) => ({ ...fault, after }))
  if (fault._tag === "Dials" && fault.takes !== undefined) addOfFault(fault.takes, 0, (takes) => ({ ...fault, takes }))
  if (fault._tag === "LateTimers") addOfFault(fault.most, 1, (most) => ({ ...fault, most }))
  if (fault._tag === "CloseAfter") addOfFault(fault.bytes, 0, (bytes) => ({ ...fault, bytes }))
  if (fault._tag === "ClockStep")
    addOfFault(Math.abs(fault.by), 1, (by) => ({ ...fault, by: Math.sign(fault.by) * by }))
  if (fault._tag === "ClockDrift") {
    const { partsPerMillion } = fault
    addOfFault(Math.abs(partsPerMillion), 1, (drift) => ({
      ...fault,
      partsPerMillion: Math.sign(partsPerMillion) * drift
    }))
  }
  return found
}
