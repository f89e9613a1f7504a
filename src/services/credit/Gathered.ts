/**
 * Messages of one transaction that are heard together: what other nodes say of their chains of chits, one tally after the other. All else
 * is heard one by one, where it came between them.
 *
 * Messages about one tally keep their order; those about two tallies need none.
 */
import { Effect } from "effect"
import type { CreditMessage } from "../../protocol/credit/CreditMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Received } from "../delivery/Protocol.ts"
import { type Answer, both, nothing } from "./Answer.ts"
import * as ChainDesk from "./ChainDesk.ts"

/** Chits that are held in memory at a time, at most; one message may have 32. */
const mostChits = 512

type One = { readonly _tag: "One"; readonly message: CreditMessage; readonly peer: NodeKey }
/** What one node says of chains. */
type Chains = { readonly _tag: "Chains"; readonly messages: Array<ChainDesk.Message>; readonly peer: NodeKey }

/** What only continues a chain: everything else about it is rare, and has to have much at hand. */
const isSteady = (message: CreditMessage): message is ChainDesk.Message =>
  message._tag === "Propose" || message._tag === "Entered" || message._tag === "Ack"

const sizeOf = (message: ChainDesk.Message): number => ChainDesk.entriesOf(message).length

/** The messages in their order, cut into what is heard together. */
export const parts = (received: ReadonlyArray<Received<CreditMessage>>): ReadonlyArray<One | Chains> => {
  const all: Array<One | Chains> = []
  let open: { readonly part: Chains; size: number } | undefined
  for (const { from, message } of received) {
    if (!isSteady(message)) {
      open = undefined
      all.push({ _tag: "One", message, peer: from.peer })
      continue
    }
    const size = sizeOf(message)
    if (open === undefined || open.part.peer !== from.peer || open.size + size > mostChits) {
      open = { part: { _tag: "Chains", messages: [], peer: from.peer }, size: 0 }
      all.push(open.part)
    }
    open.part.messages.push(message)
    open.size += size
  }
  return all
}

/** What they bring about; where one does not fit, the answer says so and not all are heard. */
export const hear = Effect.fnUntraced(function* ({ messages, peer }: Chains) {
  const tallies = new Map<string, [ChainDesk.Message, ...Array<ChainDesk.Message>]>()
  for (const message of messages) {
    const key = `${message.tally} ${ChainDesk.sideOf(message)}`
    const known = tallies.get(key)
    if (known === undefined) tallies.set(key, [message])
    else known.push(message)
  }
  yield* ChainDesk.claimLifts(messages)
  let answer: Answer = nothing
  // In one order, so that two transactions do not wait for each other.
  for (const key of [...tallies.keys()].toSorted()) {
    const of = tallies.get(key)
    if (of !== undefined) answer = both(answer, yield* ChainDesk.hearAll(of, peer))
    if (answer.unfit !== undefined) return answer
  }
  return answer
})
