/**
 * One stream from a sender's database to a receiver's, over sessions that lose, repeat, swap and end, with nothing but
 * the pure functions of `Sequence` and two databases reduced to what they must keep.
 *
 * A transaction is one statement of this model: a crash comes before it or after it, never inside.
 */
import type { Data, Item, Resume } from "../../src/protocol/delivery/DeliveryFrame.ts"
import * as Sequence from "../../src/protocol/delivery/Sequence.ts"

/** The functions under test; a mutation replaces one of them. */
export type Machine = Pick<typeof Sequence, "outgoing" | "receipted" | "receive" | "resume" | "room" | "sent">

interface Row {
  readonly id: string
  seq: bigint | undefined
}

interface SenderDatabase {
  stream: string
  last: bigint
  receipted: bigint
  rows: Array<Row>
  /** Every message ever committed, in order. */
  readonly committed: Array<string>
}

interface ReceiverDatabase {
  stream: string | null
  position: bigint
  /** The effects, in order, and what had been applied before when it came in another stream. */
  readonly effects: Array<string>
  again: number
}

type Session = {
  readonly sender: Sequence.Outgoing
  readonly data: Array<Pick<Data, "first" | "items" | "stream">>
  readonly receipts: Array<{ readonly stream: string; readonly upTo: bigint }>
}

const item = (id: string): Item => ({ id, protocol: "p", subject: "s", body: new Uint8Array(10) })

export const window: Sequence.Window = { messages: 7, bytes: 60 }
const itemBytes = 10

export class DeliveryModel {
  readonly machine: Machine
  sender: SenderDatabase = { stream: "s1", last: 0n, receipted: 0n, rows: [], committed: [] }
  receiver: ReceiverDatabase = { stream: null, position: 0n, effects: [], again: 0 }
  session: Session | undefined
  readonly detected: Array<Exclude<Sequence.Resumption["_tag"], "Continue">> = []
  violations = 0
  duplicates = 0
  /** Settled without an effect, because the receiver came back from an older database. */
  readonly lost: Array<string> = []
  #streams = 1
  #ids = 0

  constructor(machine: Machine = Sequence) {
    this.machine = machine
  }

  /** An application's transaction. */
  commit(): void {
    const id = `m${++this.#ids}`
    this.sender.rows.push({ id, seq: undefined })
    this.sender.committed.push(id)
  }

  /** A new session: the old one and all that was under way in it is gone, both sides say RESUME. */
  connect(): void {
    const { position, stream } = this.receiver
    const received: Resume["received"] = { stream, position, seen: 0n }
    const { last, receipted, stream: ours } = this.sender
    const found = this.machine.resume({ stream: ours, last, receipted }, received)
    this.#settle(found.position)
    if (found._tag !== "Continue") {
      this.detected.push(found._tag)
      for (const row of this.sender.rows) row.seq = undefined
      this.sender = { ...this.sender, stream: `s${++this.#streams}`, last: 0n, receipted: 0n }
    }
    const from = found._tag === "Continue" ? found.position : 0n
    this.session = { sender: this.machine.outgoing(this.sender.stream, from), data: [], receipts: [] }
  }

  /** The link is lost, or either process dies: what is in memory and under way goes, the databases stay. */
  disconnect(): void {
    this.session = undefined
  }

  /** Numbers rows, in a transaction, then sends the next batch of at most `most` if the window has room. */
  pump(most: number): void {
    const { session } = this
    if (session === undefined) return
    const room = this.machine.room(window, session.sender)
    const next = this.sender.rows
      .filter((row) => row.seq === undefined || row.seq > session.sender.sent)
      .slice(0, Math.min(most, room.messages, Math.ceil(room.bytes / itemBytes)))
    if (next.length === 0) return
    for (const row of next) row.seq ??= ++this.sender.last
    const first = session.sender.sent + 1n
    if (next[0]!.seq !== first) throw new Error(`a hole: ${next[0]!.seq} follows ${session.sender.sent}`)
    const batch = { upTo: next.at(-1)!.seq!, messages: next.length, bytes: next.length * itemBytes }
    this.#become({ ...session, sender: this.machine.sent(session.sender, batch) })
    session.data.push({ stream: session.sender.stream, first, items: next.map((row) => item(row.id)) })
  }

  /** The receiver's transaction for the next DATA; `answers`: it lives long enough to send the receipt. */
  receive(answers: boolean): void {
    const { session } = this
    const data = session?.data.shift()
    if (session === undefined || data === undefined) return
    const { position, stream } = this.receiver
    const received = this.machine.receive({ stream, position }, data)
    if (received._tag === "Violation") {
      this.violations++
      this.disconnect()
      return
    }
    this.duplicates += received.duplicates
    for (const { item } of received.fresh) {
      if (this.receiver.effects.includes(item.id)) this.receiver.again++
      else this.receiver.effects.push(item.id)
    }
    this.receiver = { ...this.receiver, stream: data.stream, position: received.position }
    if (answers) session.receipts.push({ stream: data.stream, upTo: received.position })
    else this.disconnect()
  }

  /** The sender's transaction for the next RECEIPT. */
  settle(): void {
    const { session } = this
    const receipt = session?.receipts.shift()
    if (session === undefined || receipt === undefined) return
    const result = this.machine.receipted(session.sender, receipt.stream, receipt.upTo)
    if (result._tag === "Violation") {
      this.violations++
      this.disconnect()
    } else if (result._tag === "Progress") {
      this.#become({ ...session, sender: result.state })
      this.#settle(receipt.upTo)
    }
  }

  /** Whether anything is left to do. */
  get settled(): boolean {
    return this.sender.rows.length === 0
  }

  #become(session: Session): void {
    this.session = session
  }

  #settle(upTo: bigint): void {
    const done = (row: Row) => row.seq !== undefined && row.seq <= upTo
    for (const row of this.sender.rows) {
      if (done(row) && !this.receiver.effects.includes(row.id)) this.lost.push(row.id)
    }
    this.sender.rows = this.sender.rows.filter((row) => !done(row))
    if (upTo > this.sender.receipted) this.sender.receipted = upTo
  }

  copySender(): SenderDatabase {
    return { ...this.sender, rows: this.sender.rows.map((row) => ({ ...row })), committed: [...this.sender.committed] }
  }

  copyReceiver(): ReceiverDatabase {
    return { ...this.receiver, effects: [...this.receiver.effects] }
  }

  /** A good network from now on, in one last session; says whether everything was settled in it. */
  finish(): boolean {
    this.connect()
    for (let turn = 0; turn < 5_000 && !this.settled && this.session !== undefined; turn++) {
      this.pump(5)
      this.receive(true)
      this.settle()
    }
    return this.settled
  }
}
