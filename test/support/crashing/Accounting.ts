/**
 * What the senders' ledgers and the receivers' tables say when they are laid side by side, per direction.
 *
 * Pure. A message that has to have an effect has it exactly once; nothing else has one; the effects of one subject are
 * in the order of sending; and whoever asked for outcomes has exactly one final one for each message, the right one.
 */
import type { Kind } from "./Load.ts"

export interface Sent {
  readonly id: string
  readonly kind: Kind
  readonly subject: string
  readonly n: number
  readonly at: number
}

/** In the order in which they took effect. */
export type Arrived = Sent

/** In the order in which they were written. */
export interface Told {
  readonly id: string
  readonly outcome: string
  readonly at: number
}

/** What one node's database holds after the end. */
export interface Books {
  readonly sent: ReadonlyArray<Sent>
  readonly arrived: ReadonlyArray<Arrived>
  readonly told: ReadonlyArray<Told>
  readonly owed: number
  readonly duplicates: number
}

export interface Balance {
  readonly sent: number
  /** Sent messages that are to have an effect. */
  readonly due: number
  readonly once: number
  readonly lost: ReadonlyArray<string>
  readonly doubled: ReadonlyArray<string>
  /** Effects of messages that nobody sent, or that were not to have one. */
  readonly foreign: ReadonlyArray<string>
  readonly disordered: ReadonlyArray<string>
  /** Messages whose outcomes are not: any number of `Later`, then the right one. */
  readonly misinformed: ReadonlyArray<string>
  readonly later: number
  readonly stale: number
  readonly refused: number
}

const finals: Readonly<Record<Kind, string | undefined>> = {
  plain: undefined,
  ok: "Ok",
  later: "Ok",
  stale: "Stale",
  refused: "Refused"
}
const takesEffect = (kind: Kind): boolean => kind !== "stale" && kind !== "refused"

/** One direction: what `sender` sent, and what became of it at `receiver`. */
export const balance = (sender: Books, receiver: Pick<Books, "arrived">): Balance => {
  const times = new Map<string, number>()
  for (const { id } of receiver.arrived) times.set(id, (times.get(id) ?? 0) + 1)
  const told = new Map<string, Array<string>>()
  for (const { id, outcome } of sender.told) told.set(id, [...(told.get(id) ?? []), outcome])
  const known = new Map(sender.sent.map((message) => [message.id, message]))

  const due = sender.sent.filter(({ kind }) => takesEffect(kind))
  const lost = due.filter(({ id }) => !times.has(id)).map(({ id }) => id)
  const doubled = [...times].filter(([, count]) => count > 1).map(([id]) => id)
  const foreign = [...times.keys()].filter((id) => {
    const message = known.get(id)
    return message === undefined || !takesEffect(message.kind)
  })

  const disordered: Array<string> = []
  const last = new Map<string, number>()
  for (const { id, kind, n, subject } of receiver.arrived) {
    const stream = `${kind === "plain" ? "plain" : "answered"} ${subject}`
    if (n < (last.get(stream) ?? 0)) disordered.push(id)
    else last.set(stream, n)
  }

  const misinformed = sender.sent
    .filter(({ id, kind }) => {
      const outcomes = told.get(id) ?? []
      const final = finals[kind]
      if (final === undefined) return outcomes.length > 0
      return outcomes.at(-1) !== final || outcomes.slice(0, -1).some((outcome) => outcome !== "Later")
    })
    .map(({ id }) => id)
  for (const id of told.keys()) if (!known.has(id)) misinformed.push(id)

  const count = (outcome: string) => sender.told.filter((it) => it.outcome === outcome).length
  return {
    sent: sender.sent.length,
    due: due.length,
    once: due.filter(({ id }) => times.get(id) === 1).length,
    lost,
    doubled,
    foreign,
    disordered,
    misinformed,
    later: count("Later"),
    stale: count("Stale"),
    refused: count("Refused")
  }
}

/**
 * How many milliseconds after the moment `ready` the last message was done that was owed then, in both directions: it
 * took effect, or its sender had the outcome that was asked for. What is answered `Later`, and what stands behind it,
 * waits as long as its receiver wants, and does not count.
 */
export const settledAfter = (a: Books, b: Books, ready: number): number => {
  const oneWay = (from: Books, to: Books): number => {
    const effects = new Map(to.arrived.map(({ at, id }) => [id, at]))
    const outcomes = new Map(from.told.map(({ at, id }) => [id, at]))
    const putOff = new Set(from.sent.filter(({ kind }) => kind === "later").map(({ subject }) => subject))
    const millis = from.sent
      .filter(({ at, kind, subject }) => at <= ready && (kind === "plain" || !putOff.has(subject)))
      .map(({ id, kind }) => ((kind === "plain" ? effects.get(id) : outcomes.get(id)) ?? ready) - ready)
    return millis.reduce((most, each) => Math.max(most, each), 0)
  }
  return Math.max(oneWay(a, b), oneWay(b, a))
}

/**
 * Messages that were owed at the moment `at`: committed by then, and without effect, or without the outcome that was
 * asked for, until later. Those of the process that died count, and those for it.
 */
export const owedAt = (dead: Books, alive: Books, at: number): number => {
  const waiting = (from: Books, to: Books) => {
    const done = new Map(to.arrived.map((message) => [message.id, message.at]))
    for (const told of from.told) done.set(told.id, told.at)
    return from.sent.filter((message) => message.at <= at && (done.get(message.id) ?? Number.POSITIVE_INFINITY) > at)
      .length
  }
  return waiting(dead, alive) + waiting(alive, dead)
}
