/**
 * Every interleaving of two holders' commands and their messages, as a space for the explorer. A message that was sent can come at any time from
 * then on, any number of times or never. From every state the halves must come to one verdict by saying again what they
 * have to, and to a final one as soon as a holder decides.
 */
import type * as Document from "../../src/protocol/credit/TallyDocument.ts"
import type { Space } from "./explorer/Explorer.ts"
import type { CommandName, Pair, TallyLab } from "./TallyPair.ts"
import { sides } from "./TallyParties.ts"
import { isTorn, verdict } from "./TallyVerdict.ts"

/** All that a holder can say, but for what only says something again. */
export const everything: ReadonlyArray<CommandName> = ["Draft", "Offer", "Accept", "Refuse", "Revise", "Withdraw"]

/** `mostRevision`: the highest that anybody offers. */
export const tallySpace = (
  lab: TallyLab,
  mostRevision: number,
  commands: ReadonlyArray<CommandName> = everything
): Space<Pair> => {
  const judged = new Map<string, string | undefined>()
  return {
    name: `two parties, revisions up to ${mostRevision}`,
    first: lab.drafted,
    moves: (pair) =>
      sides
        .flatMap((side) => [...commandsOf(lab, pair, side, mostRevision, commands), ...arrivalsOf(lab, pair, side)])
        // Most of what may happen changes nothing.
        .filter(({ next }) => next !== pair)
        .map(({ label, next }) => ({ label, fault: true, to: () => next })),
    key: (pair) => lab.key(pair),
    broken: (pair) => {
      const key = lab.key({ ...pair, sent: { stock: [], foil: [] } })
      if (!judged.has(key)) judged.set(key, judge(lab, pair))
      return judged.get(key)
    },
    verdict: () => undefined
  }
}

interface Next {
  readonly label: () => string
  readonly next: Pair
}

const commandsOf = (
  lab: TallyLab,
  pair: Pair,
  side: Document.Side,
  most: number,
  names: ReadonlyArray<CommandName>
): ReadonlyArray<Next> =>
  names
    .filter((name) => pair[side] !== undefined && (name !== "Offer" || pair[side].revision < most))
    .map((name) => ({ label: () => `${side}: ${name}`, next: lab.commands(pair, side, name) }))

const arrivalsOf = (lab: TallyLab, pair: Pair, side: Document.Side): ReadonlyArray<Next> =>
  pair.sent[side].map((message) => ({
    label: () => `${side} hears ${message._tag} ${"revision" in message ? message.revision : message.document.memo}`,
    next: lab.hears(pair, side, message)
  }))

/** What is wrong with where the halves get from here when nothing old comes any more; undefined if nothing is. */
const judge = (lab: TallyLab, pair: Pair): string | undefined => {
  if (isTorn(pair.stock, pair.foil)) return verdict(pair.stock, pair.foil)
  const calm = lab.repair(pair)
  const now = verdict(calm.stock, calm.foil)
  if (now.startsWith("wrong")) return now
  if (now !== "offered") return undefined
  const [offering, asked] =
    calm.stock?.status === "offered" ? (["stock", "foil"] as const) : (["foil", "stock"] as const)
  const ends = [
    [asked, "Accept", "open"],
    [asked, "Refuse", "nothing"],
    [asked, "Revise", "nothing"],
    [offering, "Withdraw", "nothing"]
  ] as const
  for (const [side, command, expected] of ends) {
    const end = lab.repair(lab.commands(calm, side, command))
    const got = verdict(end.stock, end.foil)
    if (got !== expected) return `${got} after ${command}`
  }
  return undefined
}
