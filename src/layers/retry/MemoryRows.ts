/**
 * The rows of the retry store in memory, and the checks that every write makes.
 */
import { Result } from "effect"
import type { Answer, MessageId } from "../../protocol/delivery/Message.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import { type Held, type Link, LinkFenced, type Owed } from "../../services/delivery/RetryStore.ts"
import { MemorySlot, type UndoLog } from "../MemoryDatabase.ts"
import { MemoryTable } from "../MemoryTable.ts"

/** A message until it is settled. `place` is the order of sending. */
export interface Row {
  readonly place: bigint
  readonly id: MessageId
  readonly peer: NodeKey
  readonly protocol: string
  readonly subject: string
  readonly body: Uint8Array
  readonly createdAt: number
  readonly deadline: number | undefined
  readonly seq: bigint | undefined
  /** How often it had a number. */
  readonly attempts: number
  /** How often it was answered `Later` itself, not for another one that it is behind. */
  readonly putOff: number
  readonly lastOutcome: string | undefined
  readonly void: boolean
  /** Not to be offered before `dueAt`; so is whatever follows in its subject. Only messages without a number wait. */
  readonly waiting: boolean
  readonly dueAt: number
}

export interface LinkRow {
  readonly peer: NodeKey
  readonly epoch: bigint
  readonly sending: { readonly stream: string; readonly last: bigint; readonly receipted: bigint } | undefined
  /** What streams that are over have counted. */
  readonly receiptedBefore: bigint
  readonly receivedBefore: bigint
  readonly stream: string | null
  readonly position: bigint
  readonly seen: bigint
  readonly restarted: boolean
  readonly duplicates: bigint
  /** See `Claimed`; -1 once a message has been handled. */
  readonly fruitless: number
  readonly suspect: MessageId | undefined
  readonly accused: number
}

export interface AppliedRow {
  readonly place: bigint
  /** Of a stream that is over. */
  readonly superseded: boolean
  readonly stream: string
  /** The number of the last message of its batch. */
  readonly lastSeq: bigint
  readonly ids: ReadonlyArray<MessageId>
  readonly at: number
}

export interface ParkedRow {
  readonly id: MessageId
  readonly protocol: string
  readonly subject: string
  readonly body: Uint8Array
  readonly why: string
  readonly at: number
}

export interface HeldRow extends Held {
  readonly place: bigint
}

/** What belongs to one peer. */
class PeerRows {
  readonly outbox: MemoryTable<bigint, Row>
  readonly answers: MemoryTable<bigint, Answer>
  readonly held: MemoryTable<bigint, HeldRow>
  readonly applied: MemoryTable<bigint, AppliedRow>
  readonly parked: MemoryTable<string, ParkedRow>
  constructor(log: UndoLog) {
    this.outbox = new MemoryTable(log)
    this.answers = new MemoryTable(log)
    this.held = new MemoryTable(log)
    this.applied = new MemoryTable(log)
    this.parked = new MemoryTable(log)
  }
}

export class RetryRows {
  private counter = 0n
  private readonly peers = new Map<NodeKey, PeerRows>()
  private readonly log: UndoLog
  /** The database itself, under the one key 0. */
  readonly node: MemoryTable<bigint, { readonly databaseId: string; readonly incarnation: bigint }>
  readonly links: MemoryTable<NodeKey, LinkRow>
  readonly ids: MemoryTable<MessageId, { readonly peer: NodeKey; readonly place: bigint }>
  constructor(log: UndoLog) {
    this.log = log
    this.node = new MemoryTable(log)
    this.links = new MemoryTable(log)
    this.ids = new MemoryTable(log)
  }

  /** As a sequence: never given twice, not even after a rollback. */
  next(): bigint {
    return ++this.counter
  }

  of(peer: NodeKey): PeerRows {
    let rows = this.peers.get(peer)
    if (rows === undefined) {
      rows = new PeerRows(this.log)
      this.peers.set(peer, rows)
    }
    return rows
  }

  /** The link's row, made if the peer is new. */
  ensure(peer: NodeKey): LinkRow {
    const known = this.links.get(peer)
    if (known !== undefined) return known
    const link: LinkRow = {
      peer,
      epoch: 0n,
      sending: undefined,
      receiptedBefore: 0n,
      receivedBefore: 0n,
      stream: null,
      position: 0n,
      seen: 0n,
      restarted: false,
      duplicates: 0n,
      fruitless: -1,
      suspect: undefined,
      accused: 0
    }
    this.links.set(peer, link)
    return link
  }

  find(id: MessageId): Row | undefined {
    const at = this.ids.get(id)
    return at === undefined ? undefined : this.of(at.peer).outbox.get(at.place)
  }

  put(row: Row): void {
    this.of(row.peer).outbox.set(row.place, row)
  }

  remove(row: Row): void {
    this.of(row.peer).outbox.delete(row.place)
    this.ids.delete(row.id)
  }
}

export const rowsIn = new MemorySlot((log) => new RetryRows(log))

/** The link's row if `link` still is its owner's. */
export const owned = (
  rows: RetryRows,
  link: Link
): Result.Result<LinkRow & { readonly sending: NonNullable<LinkRow["sending"]> }, LinkFenced> => {
  const row = rows.links.get(link.peer)
  return row === undefined || row.sending === undefined || row.epoch !== link.epoch
    ? Result.fail(new LinkFenced({ peer: link.peer, epoch: link.epoch }))
    : Result.succeed({ ...row, sending: row.sending })
}

export const sameSubject = (
  a: { readonly protocol: string; readonly subject: string },
  b: { readonly protocol: string; readonly subject: string }
): boolean => a.subject === b.subject && a.protocol === b.protocol

export const owedOf = (row: Row): Owed => ({
  id: row.id,
  peer: row.peer,
  protocol: row.protocol,
  subject: row.subject,
  bytes: row.body.length,
  createdAt: row.createdAt,
  dueAt: row.dueAt,
  deadline: row.deadline,
  seq: row.seq,
  attempts: row.attempts,
  lastOutcome: row.lastOutcome,
  void: row.void
})
