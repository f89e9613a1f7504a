/**
 * What peers pass on, for whoever follows it: ids of transactions and blocks, and transactions. A reader that falls behind misses
 * what has no room (`Broadcast.ts`), and is told how many messages that were. What cannot be read is left out.
 */
import { Result, Stream } from "effect"
import type * as Command from "../../protocol/bitcoin/Command.ts"
import * as Inventory from "../../protocol/bitcoin/Inventory.ts"
import type { Payload } from "../../protocol/bitcoin/Payload.ts"
import * as Transaction from "../../protocol/bitcoin/Transaction.ts"
import type { Message } from "./Broadcast.ts"

export interface Told<A> {
  /** The connection that it came on. */
  readonly peer: number
  readonly value: A
  /** Messages of any kind that this reader has missed since the one before. */
  readonly missed: number
}

const none = Result.failVoid

const reads =
  <A>(command: Command.Command, { decode }: Payload<A>) =>
  (messages: Stream.Stream<Message>): Stream.Stream<Told<A>> =>
    Stream.suspend(() => {
      let missed = 0
      return Stream.filterMap(messages, (message) => {
        missed += message.missed
        if (message.command !== command) return none
        const value = decode(message.body)
        if (Result.isFailure(value)) return none
        const told: Told<A> = { peer: message.peer, value: value.success, missed }
        missed = 0
        return Result.succeed(told)
      })
    })

/** What peers say that they have. */
export const inventories = reads("inv", Inventory.inv)

/** Transactions that peers send. */
export const transactions = reads("tx", Transaction.tx)
