/**
 * What several steps of one half have to say, said with fewer messages: the same in the end as one message for each step, because an
 * acknowledgement covers those before it, and entries and proposals that follow each other have room in one message.
 */
import type { Action } from "./Action.ts"
import type { Propose, ToFoil, ToStock } from "./ChainEvent.ts"
import type { Reading } from "./ChainStep.ts"
import type { Index } from "./ChitLog.ts"
import { type CreditMessage, mostEntries } from "./CreditMessage.ts"
import { push } from "./FoilPushing.ts"

/** Whether a later acknowledgement of the same half says all that this message does. */
const isCovered = (message: CreditMessage, later: CreditMessage | undefined): boolean =>
  message._tag === "Ack" && !message.closed && later?._tag === "Ack"

/** Messages of one tally, in the order in which they came, without acknowledgements that the next message covers. */
export const heard = (messages: ReadonlyArray<ToFoil | ToStock>): ReadonlyArray<ToFoil | ToStock> =>
  messages.filter((message, at) => !isCovered(message, messages[at + 1]))

/** Proposals of one half as fewer ones with the same chits; `at` is what the last of them says. */
const together = (all: ReadonlyArray<Propose>): ReadonlyArray<Propose> => {
  const last = all.at(-1)
  if (last === undefined) return []
  const chits = all.flatMap((one) => one.chits)
  return Array.from({ length: Math.ceil(chits.length / mostEntries) }, (_, n) => ({
    ...last,
    chits: chits.slice(n * mostEntries, (n + 1) * mostEntries)
  }))
}

/** What steps of one half ask for, in their order; its messages about the chain are all for its partner's node. */
export const said = (actions: ReadonlyArray<Action>): ReadonlyArray<Action> => {
  const sent = actions.flatMap((action) => (action._tag === "Send" ? [action] : []))
  const lastAck = sent.findLast(({ message }) => message._tag === "Ack")
  const proposals = sent.flatMap(({ message }) => (message._tag === "Propose" ? [message] : []))
  const first = sent.find(({ message }) => message._tag === "Propose")
  return actions.flatMap((action): ReadonlyArray<Action> => {
    if (action._tag !== "Send") return [action]
    if (action.message._tag === "Propose") {
      return action === first ? together(proposals).map((message) => ({ ...action, message })) : []
    }
    return action !== lastAck && isCovered(action.message, lastAck?.message) ? [] : [action]
  })
}

/** What steps of one half want read, where its chain now ends at `end`: all the entries that they have asked for, each once. */
export const asked = (readings: ReadonlyArray<Reading>, end: Index): ReadonlyArray<Reading> => {
  const afters = readings.flatMap((reading) => (reading._tag === "Push" ? [reading.after] : []))
  const rest = readings.filter(({ _tag }) => _tag !== "Push")
  const pushes: Array<Index> = []
  // How far what is pushed already goes.
  let upTo = -1
  for (const after of afters.toSorted((one, other) => one - other)) {
    const to = Math.min(end, after + mostEntries)
    let from = Math.max(after, upTo)
    if (after > upTo && to === after) pushes.push(after)
    for (; from < to; from += mostEntries) pushes.push(from)
    upTo = Math.max(upTo, from, to)
  }
  return [...rest, ...pushes.map(push)]
}
