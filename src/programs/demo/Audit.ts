/**
 * The accounting of the demo: what the senders' ledgers say was sent against what the receivers' tables say took
 * effect, direction by direction, number by number. Pure.
 */
import { concerns, type Fault, type Name } from "./Board.ts"
import { percentile } from "./Percentile.ts"

/** What one node's database says after the node has stopped. */
export interface Evidence {
  readonly node: Name
  readonly ledger: ReadonlyArray<{ readonly receiver: Name; readonly number: number; readonly sentAt: number }>
  /** One entry for each time that a handler ran to its commit. A sender that is no node of the demo is its key. */
  readonly received: ReadonlyArray<{ readonly sender: string; readonly number: number; readonly receivedAt: number }>
  readonly links: ReadonlyArray<{
    readonly peer: Name
    /** Sessions that there were with this peer. */
    readonly sessions: number
    /** Messages that came again and were suppressed. */
    readonly duplicates: number
    readonly owed: number
  }>
}

/** What became of the messages of one direction. */
export interface Direction {
  readonly from: string
  readonly to: Name
  readonly sent: number
  readonly deliveredOnce: number
  /** In the ledger, and without effect at the receiver. */
  readonly lost: number
  /** In the ledger, and with more effects than there were messages. */
  readonly doubled: number
  /** Effects of messages that are in no ledger. */
  readonly foreign: number
  readonly owed: number
  readonly duplicatesSuppressed: number
  /** Sessions between the two after their first; the same figure for both directions. */
  readonly reconnects: number
  /** From the sender's transaction to the receiver's, in milliseconds. */
  readonly p50: number | undefined
  readonly p99: number | undefined
}

export interface Totals {
  readonly sent: number
  readonly deliveredOnce: number
  readonly lost: number
  readonly doubled: number
  readonly foreign: number
  readonly owed: number
  readonly duplicatesSuppressed: number
  readonly reconnects: number
  readonly p50: number | undefined
  readonly p99: number | undefined
  /** The same without messages that were on their way during a fault that stood in theirs. */
  readonly p99Undisturbed: number | undefined
}

export interface Audited {
  readonly directions: ReadonlyArray<Direction>
  readonly totals: Totals
  /** For each fault, messages in its way that were sent before it and had not taken effect. */
  readonly interrupted: ReadonlyArray<number>
}

/** Times of each number, oldest first. */
const byNumber = (
  rows: Iterable<readonly [number: number, at: number]>
): ReadonlyMap<number, ReadonlyArray<number>> => {
  const grouped = new Map<number, Array<number>>()
  for (const [number, at] of rows) {
    const known = grouped.get(number)
    if (known === undefined) grouped.set(number, [at])
    else known.push(at)
  }
  for (const times of grouped.values()) times.sort((a, b) => a - b)
  return grouped
}

/** One message and its first effect. */
interface Travel {
  readonly from: Name
  readonly to: Name
  readonly sentAt: number
  readonly receivedAt: number | undefined
}

/** Compares the messages of one direction as multisets: the same number twice in the ledger is two messages. */
const compare = (
  sent: ReadonlyMap<number, ReadonlyArray<number>>,
  received: ReadonlyMap<number, ReadonlyArray<number>>
): Pick<Direction, "sent" | "deliveredOnce" | "lost" | "doubled" | "foreign"> => {
  const counts = { sent: 0, deliveredOnce: 0, lost: 0, doubled: 0, foreign: 0 }
  for (const [number, { length: messages }] of sent) {
    const effects = received.get(number)?.length ?? 0
    counts.sent += messages
    if (effects > messages) counts.doubled += messages
    else {
      counts.deliveredOnce += effects
      counts.lost += messages - effects
    }
  }
  for (const [number, effects] of received) if (!sent.has(number)) counts.foreign += effects.length
  return counts
}

const latencies = (travels: ReadonlyArray<Travel>): ReadonlyArray<number> =>
  travels.flatMap(({ receivedAt, sentAt }) => (receivedAt === undefined ? [] : [receivedAt - sentAt]))

const disturbed = (fault: Fault, { from, receivedAt, sentAt, to }: Travel): boolean =>
  concerns(fault, from, to) &&
  sentAt < (fault.recovered ?? Number.POSITIVE_INFINITY) &&
  (receivedAt ?? Number.POSITIVE_INFINITY) > fault.at

const sum = <A>(rows: ReadonlyArray<A>, of: (row: A) => number): number =>
  rows.reduce((total, row) => total + of(row), 0)

/** Sessions after the first between two nodes, as far as both of them have taken part in it. */
const reconnects = (evidence: ReadonlyArray<Evidence>, one: string, other: string): number => {
  const sessions = (node: string, peer: string) =>
    evidence.find((it) => it.node === node)?.links.find((link) => link.peer === peer)?.sessions ?? 0
  return Math.max(0, Math.min(sessions(one, other), sessions(other, one)) - 1)
}

export const audit = (evidence: ReadonlyArray<Evidence>, faults: ReadonlyArray<Fault>): Audited => {
  const travels: Array<Travel> = []
  const directions: Array<Direction> = []
  const senders = new Set<string>(evidence.map(({ node }) => node))
  for (const { received } of evidence) for (const { sender } of received) senders.add(sender)
  for (const from of [...senders].sort()) {
    for (const { links, node: to, received } of evidence) {
      const sender = evidence.find(({ node }) => node === from)
      const ledger = (sender?.ledger ?? []).filter(({ receiver }) => receiver === to)
      const arrivals = received.filter((row) => row.sender === from)
      if (from === to ? arrivals.length === 0 : sender === undefined && arrivals.length === 0) continue
      const effects = byNumber(arrivals.map(({ number, receivedAt }) => [number, receivedAt]))
      const own = ledger.map(({ number, sentAt }): Travel => {
        const receivedAt = effects.get(number)?.[0]
        return { from: sender?.node ?? to, to, sentAt, receivedAt }
      })
      travels.push(...own)
      directions.push({
        from,
        to,
        ...compare(byNumber(ledger.map(({ number, sentAt }) => [number, sentAt])), effects),
        owed: sender?.links.find((link) => link.peer === to)?.owed ?? 0,
        duplicatesSuppressed: links.find((link) => link.peer === from)?.duplicates ?? 0,
        reconnects: reconnects(evidence, from, to),
        p50: percentile(latencies(own), 50),
        p99: percentile(latencies(own), 99)
      })
    }
  }
  const quiet = travels.filter((travel) => !faults.some((fault) => disturbed(fault, travel)))
  return {
    directions,
    totals: {
      sent: sum(directions, (row) => row.sent),
      deliveredOnce: sum(directions, (row) => row.deliveredOnce),
      lost: sum(directions, (row) => row.lost),
      doubled: sum(directions, (row) => row.doubled),
      foreign: sum(directions, (row) => row.foreign),
      owed: sum(directions, (row) => row.owed),
      duplicatesSuppressed: sum(directions, (row) => row.duplicatesSuppressed),
      reconnects: sum(
        directions.filter(({ from, to }) => from < to),
        (row) => row.reconnects
      ),
      p50: percentile(latencies(travels), 50),
      p99: percentile(latencies(travels), 99),
      p99Undisturbed: percentile(latencies(quiet), 99)
    },
    interrupted: faults.map(
      (fault) =>
        travels.filter(
          ({ from, receivedAt, sentAt, to }) =>
            concerns(fault, from, to) && sentAt < fault.at && (receivedAt ?? Number.POSITIVE_INFINITY) > fault.at
        ).length
    )
  }
}
