/**
 * The order within a subject when a message has been answered `Later`: it and everything behind it wait at the
 * receiver, by id, and only the oldest may be handled (docs/PROTOCOL.md, 7.4).
 */
import type { MessageId } from "./Message.ts"

export interface HeldMessage {
  readonly protocol: string
  readonly subject: string
  readonly id: MessageId
}

/** The waiting ids of one peer, as a batch changes them. Owned by one receive transaction. */
export class Held {
  readonly #queues = new Map<string, Array<HeldMessage>>()
  readonly #before: ReadonlySet<MessageId>
  readonly #released: Array<MessageId> = []

  /** `before`: what waits already, oldest first. */
  constructor(before: ReadonlyArray<HeldMessage>) {
    this.#before = new Set(before.map((message) => message.id))
    for (const message of before) this.#queue(message).push(message)
  }

  /** The message of the same subject that must be handled before this one, if any. */
  inFrontOf(message: HeldMessage): MessageId | undefined {
    const head = this.#queues.get(key(message))?.[0]
    return head === undefined || head.id === message.id ? undefined : head.id
  }

  /** The message waits from now on, unless it does already. */
  hold(message: HeldMessage): void {
    const queue = this.#queue(message)
    if (queue.some((waiting) => waiting.id === message.id)) return
    queue.push(message)
  }

  /** The message has been handled, or will never be: what waits behind it moves up. */
  release(message: HeldMessage): void {
    const queue = this.#queues.get(key(message))
    const at = queue?.findIndex((waiting) => waiting.id === message.id) ?? -1
    if (queue === undefined || at < 0) return
    queue.splice(at, 1)
    if (queue.length === 0) this.#queues.delete(key(message))
    if (this.#before.has(message.id)) this.#released.push(message.id)
  }

  /** Which of those that waited before no longer do. */
  get released(): ReadonlyArray<MessageId> {
    return this.#released
  }

  #queue(message: HeldMessage): Array<HeldMessage> {
    const known = this.#queues.get(key(message))
    if (known !== undefined) return known
    const queue: Array<HeldMessage> = []
    this.#queues.set(key(message), queue)
    return queue
  }
}

const key = (message: HeldMessage): string => `${message.protocol}\u0000${message.subject}`
