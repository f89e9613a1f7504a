/** Every interleaving of what two parties of a tally may do until it is open, and wrong rules that this finds out. */
import { assert, describe, it } from "@effect/vitest"
import { stepped, unfit } from "../../../src/protocol/credit/Action.ts"
import type { TallyEvent, TallyStep } from "../../../src/protocol/credit/TallyEvent.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { step } from "../../../src/protocol/credit/TallyMachine.ts"
import { explore, type Wrong } from "../../support/explorer/Explorer.ts"
import { type CommandName, TallyLab } from "../../support/TallyPair.ts"
import { sides } from "../../support/TallyParties.ts"
import { everything, tallySpace } from "../../support/TallySpace.ts"

const readable = (wrong: Wrong | undefined): string =>
  wrong === undefined ? "" : `${wrong.what}${wrong.trail.map((step, i) => `\n  ${i + 1}. ${step}`).join("")}`

const spaces: ReadonlyArray<
  readonly [what: string, mostRevision: number, commands: ReadonlyArray<CommandName>, atLeast: number]
> = [
  ["everything, up to revision 2", 2, everything, 3_000],
  ["offering and accepting, up to revision 4", 4, ["Offer", "Accept"], 400],
  ["offering, taking back and accepting, up to revision 3", 3, ["Offer", "Withdraw", "Accept"], 3_000],
  ["offering, refusing and accepting, up to revision 3", 3, ["Offer", "Refuse", "Accept"], 500]
]

describe("two parties of a tally, in every interleaving of commands and messages", () => {
  for (const [what, mostRevision, commands, atLeast] of spaces)
    for (const first of sides) {
      it(`come to one verdict from every state: ${what}, where the offer of ${first} stands`, () => {
        const report = explore(tallySpace(new TallyLab(first), mostRevision, commands))
        assert.isUndefined(report.wrong, readable(report.wrong))
        assert.isTrue(report.complete)
        assert.isAbove(report.states, atLeast)
      })
    }
})

type Mutant = (half: TallyHalf | undefined, event: TallyEvent) => TallyStep

const messageOf = (event: TallyEvent) => (event._tag === "Heard" ? event.message : undefined)
const ignored = unfit("stale", "ignored", "")

const mutants: Readonly<Record<string, Mutant>> = {
  "who has taken an offer back ignores that it was accepted": (half, event) =>
    half?.status === "void" && messageOf(event)?._tag === "Open" ? ignored : step(half, event),
  "what was taken back is never said again": (half, event) => {
    const result = step(half, event)
    if (event._tag !== "Withdraw" || result._tag === "Unfit") return result
    const { wish: _, ...state } = result.state
    return stepped({ ...state, signs: {} }, ...result.actions)
  },
  "who has refused an offer takes it again": (half, event) =>
    half?.status === "void" && messageOf(event)?._tag === "Offer"
      ? step({ ...half, revision: 0 }, event)
      : step(half, event),
  "a refused offer that comes again is not answered": (half, event) =>
    half?.status === "void" && messageOf(event)?._tag === "Offer" && step(half, event)._tag === "Unfit"
      ? ignored
      : step(half, event),
  "an older offer takes the place of a newer one of its own": (half, event) =>
    half?.status === "offered" && messageOf(event)?._tag === "Offer"
      ? step({ ...half, revision: 0 }, event)
      : step(half, event),
  "of two offers with one revision the own one stands": (half, event) => {
    const message = messageOf(event)
    const isTie = message?._tag === "Offer" && message.document.revision === half?.revision
    return isTie && half?.status === "offered" ? ignored : step(half, event)
  },
  "an offer does not learn of the tally that is open": (half, event) => {
    const result = step(half, event)
    return half?.status === "open" && result._tag === "Unfit" ? { ...result, actions: [] } : result
  },
  "that the other has it open as well is never answered": (half, event) => {
    const result = step(half, event)
    return messageOf(event)?._tag === "Open" ? { ...result, actions: [] } : result
  }
}

describe("a wrong rule of tallies is found out", () => {
  for (const [what, mutant] of Object.entries(mutants)) {
    it(what, () => {
      const found = sides.flatMap((first) => {
        try {
          const { wrong } = explore(tallySpace(new TallyLab(first, mutant), 2))
          return wrong === undefined ? [] : [readable(wrong)]
        } catch (cause) {
          return [String(cause)]
        }
      })
      assert.isAbove(found.length, 0)
    })
  }
})
