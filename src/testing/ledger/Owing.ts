/**
 * What a node owes can be seen: the list that operators ask for has every message without an outcome, to whom it is,
 * since when, how often it was tried, what the last answer was and when it is tried next; and what will not be tried
 * any more is an event.
 *
 * Looked at after every commit of a database in memory, a few messages a page. Says nothing across restored databases.
 */
import { Effect } from "effect"
import { feedIn } from "../../layers/FeedStoreMemory.ts"
import type { MemoryDatabase } from "../../layers/MemoryDatabase.ts"
import { rowsIn } from "../../layers/retry/MemoryRows.ts"
import * as MemoryViews from "../../layers/retry/MemoryViews.ts"
import type { MessageId } from "../../protocol/delivery/Message.ts"
import type { Owed } from "../../services/delivery/RetryStore.ts"
import type { Watching } from "../cluster/Scenario.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import { epoch } from "../world/Process.ts"
import type { Concluded, Sent } from "./LedgerMessage.ts"
import { LedgerProtocol, putOff } from "./LedgerProtocol.ts"

export const visible = "what is owed can be seen"

/** Messages of a page of the list. */
const page = 5
/** Milliseconds: no transaction takes so long. */
const longAgo = 600_000

/** What the list has shown of a message. */
interface Shown {
  readonly createdAt: number
  readonly seq: bigint | undefined
  /** Numbers that it has had. */
  readonly tries: number
  /** It was answered, and is owed all the same. */
  readonly answered: boolean
  readonly dueAt: number
}

type Memory = MemoryDatabase["Service"]

/** The list as it is committed, read from outside. */
const listOf = (memory: Memory): ReadonlyArray<Owed> => {
  const views = MemoryViews.make({ ...memory, attempt: (body) => Effect.fromResult(body()) }, rowsIn.of(memory))
  const list: Array<Owed> = []
  for (;;) {
    const next = Effect.runSync(views.owed({ after: list.at(-1)?.id, limit: page }))
    list.push(...next)
    if (next.length < page) return list
  }
}

/** Whether the feed has an event of this kind about a message. */
const isTold = (memory: Memory, kind: string, id: string): boolean => {
  const { published, waiting } = feedIn.of(memory)
  const about = (event: { readonly kind: string; readonly body: unknown }) =>
    event.kind === kind && typeof event.body === "object" && event.body !== null && "id" in event.body
      ? event.body.id === id
      : false
  return [...waiting].some(about) || [...published].some(about)
}

const steady = ({ faults }: FaultPlan): boolean =>
  faults.every(({ fault: { _tag } }) => _tag !== "ClockStep" && _tag !== "ClockDrift")

export class Owing {
  readonly #watching: Watching
  /** Whether the nodes' clocks show the world's time. */
  readonly #steady: boolean
  readonly #shown = new Map<string, Map<MessageId, Shown>>()

  constructor(watching: Watching, plan: FaultPlan) {
    this.#watching = watching
    this.#steady = steady(plan)
  }

  /** A node's database has committed; `open` are its messages without an outcome. */
  committed(node: string, memory: Memory, open: ReadonlyMap<MessageId, Sent>): void {
    const before = this.#shown.get(node) ?? new Map<MessageId, Shown>()
    const after = new Map<MessageId, Shown>()
    this.#shown.set(node, after)
    const list = listOf(memory)
    const seen = new Set(list.map(({ id }) => id))
    if (seen.size < list.length) this.#wrong(node, "lists a message twice")
    for (const [id, { n }] of open) {
      if (!seen.has(id) && !isTold(memory, "message.expired", id)) this.#wrong(node, `does not list message ${n}`)
    }
    for (const owed of list) {
      if (owed.void) continue
      const sent = open.get(owed.id)
      if (sent === undefined) return this.#wrong(node, `lists message ${owed.id}, which is not open`)
      const shown = this.#show(node, memory, owed, sent, before.get(owed.id))
      after.set(owed.id, shown)
    }
  }

  /** Every end but a good one is an event. */
  concluded(node: string, memory: Memory, { n, messageId }: Sent, { outcome }: Concluded): void {
    if (outcome === "Ok" || isTold(memory, `message.${outcome.toLowerCase()}`, messageId)) return
    this.#wrong(node, `has no event of message ${n}, which is ${outcome}`)
  }

  #show(node: string, memory: Memory, owed: Owed, sent: Sent, before: Shown | undefined): Shown {
    const now = epoch + this.#watching.view.now / 1_000
    const what = `of message ${sent.n}`
    const { attempts, createdAt, dueAt, lastOutcome, peer, protocol, seq, subject } = owed
    if (peer !== sent.to || protocol !== LedgerProtocol.name || subject !== sent.subject || owed.bytes === 0) {
      this.#wrong(node, `lists something else ${what}`)
    }
    if (before === undefined ? this.#isWrongTime(createdAt, now) : createdAt !== before.createdAt) {
      this.#wrong(node, `says ${what} that it is owed since ${createdAt}`)
    }
    const numbered = seq !== undefined && seq !== before?.seq
    const tries = (before?.tries ?? 0) + (numbered ? 1 : 0)
    if (attempts !== tries) this.#wrong(node, `says ${what} that it was tried ${attempts} times, and it was ${tries}`)
    if (numbered && before !== undefined && this.#steady && before.dueAt > now) {
      this.#wrong(node, `has tried ${what} at ${now}, and said that it would at ${before.dueAt}`)
    }
    const justAnswered = seq === undefined && before?.seq !== undefined
    const answered = before?.answered === true || justAnswered
    if (answered) this.#answer(node, memory, owed, what, justAnswered)
    else if (lastOutcome !== undefined) this.#wrong(node, `says ${what} "${lastOutcome}", and nobody did`)
    return { createdAt, seq, tries, answered, dueAt }
  }

  /** What the list says of a message that is put off, which only the receiver does, or one that is in front of it. */
  #answer(node: string, memory: Memory, { createdAt, dueAt, id, lastOutcome, seq }: Owed, what: string, just: boolean) {
    const own = lastOutcome === `later: not before ${putOff} ms`
    if (!own && lastOutcome?.startsWith("later: behind ") !== true) {
      return this.#wrong(node, `does not say ${what} why it was put off, but "${lastOutcome}"`)
    }
    if (!own || seq !== undefined) return
    if (this.#steady && dueAt < createdAt + putOff) {
      this.#wrong(node, `says ${what} that it is tried again at ${dueAt}, and was sent at ${createdAt}`)
    }
    if (just && !isTold(memory, "message.later", id)) this.#wrong(node, `has no event ${what}, which is put off`)
  }

  #isWrongTime(createdAt: number, now: number): boolean {
    return this.#steady && (createdAt > now || createdAt < now - longAgo)
  }

  #wrong(node: string, words: string): void {
    this.#watching.violated(visible, `${node} ${words}`)
  }
}
