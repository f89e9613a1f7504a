/**
 * What happens in the demo of credit, one thing after the other: tallies, invoices, a payment over two others that is disturbed twice,
 * and a circle that clears what was asked for.
 *
 * The moments of the faults are not left to luck. While the referee is frozen, a lift that all have promised stays promised: the relay is
 * killed then, and the line is cut then, before the referee goes on and decides.
 */
import { Duration, Effect } from "effect"
import type { LiftId } from "../../../protocol/credit/LiftPlan.ts"
import type { TallyId } from "../../../protocol/credit/TallyDocument.ts"
import { DemoFailed } from "../DemoFailed.ts"
import type { Balance, Facts, Standing } from "./Facts.ts"
import type { Desk } from "./Desk.ts"
import type { Ring } from "./Ring.ts"
import * as Sites from "./Sites.ts"
import { type Pair, pairs, type Site, sites, users } from "./Sites.ts"

export interface Stage {
  readonly ring: Ring
  readonly desks: Readonly<Record<Site, Desk>>
  readonly facts: Facts
  readonly say: (what: string) => void
  /** How long the lifts may take, which is more than all of the demo may. */
  readonly life: Duration.Duration
}

/** A tally of two neighbours, once it is open. */
export interface Tally extends Pair {
  readonly tally: TallyId
}

const all = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.all(effects, { concurrency: "unbounded" })

/** A command that makes something has said what. */
const made = <A>(id: A | undefined, what: string): Effect.Effect<A, DemoFailed> =>
  id === undefined ? Effect.fail(new DemoFailed({ problem: `a command has made no ${what}` })) : Effect.succeed(id)

const open = Effect.fnUntraced(function* ({ desks }: Stage, { creditor, debtor }: Pair) {
  const [stock, foil] = [desks[creditor], desks[debtor]]
  const terms = { terms: { limit: Sites.limit }, partnerTerms: { limit: 0n } }
  const drafted = yield* stock.run({ _tag: "DraftTally", side: "stock", ...terms })
  const tally = yield* made(drafted.tally, "tally")
  const issued = yield* stock.run({ _tag: "IssueTicket", tally, reuse: false })
  yield* foil.run({ _tag: "ShowTicket", invitation: yield* made(issued.invitation, "invitation") })
  yield* stock.halfUntil(tally, ({ draft }) => draft?.partner !== undefined)
  yield* stock.run({ _tag: "OfferTally", tally })
  const { revision } = yield* foil.halfUntil(tally, ({ status }) => status === "received")
  yield* foil.run({ _tag: "AcceptTally", tally, revision })
  yield* all([stock, foil].map((desk) => desk.halfUntil(tally, ({ status }) => status === "open")))
  const opened: Tally = { creditor, debtor, tally }
  return opened
})

const payInvoice = Effect.fnUntraced(function* ({ desks, facts }: Stage, { creditor, debtor, tally }: Tally) {
  const [stock, foil] = [desks[creditor], desks[debtor]]
  const asked = yield* stock.run({ _tag: "Ask", tally, units: Sites.invoice, memo: "for last week" })
  const chit = yield* made(asked.chit, "invoice")
  yield* foil.chitUntilAsked(tally, chit)
  yield* foil.run({ _tag: "PayInvoice", tally, chit })
  yield* all([stock, foil].map((desk) => desk.chitUntilGood(tally, chit)))
  facts.invoices++
})

const standings = Effect.fnUntraced(function* ({ desks }: Stage, lift: LiftId) {
  const seen: Partial<Record<Site, Standing>> = {}
  for (const site of Sites.way) seen[site] = yield* desks[site].standing(lift)
  return seen
})

const promisedAt = ({ desks }: Stage, lift: LiftId, where: ReadonlyArray<Site>) =>
  all(where.map((site) => desks[site].standingUntil(lift, (standing) => standing === "promised")))

const goodAt = ({ desks }: Stage, lift: LiftId, where: ReadonlyArray<Site>) =>
  all(where.map((site) => desks[site].standingUntil(lift, (standing) => standing === "good")))

const pay = Effect.fnUntraced(function* (stage: Stage) {
  const { desks, facts, life, ring, say } = stage
  const [payor = "A", , , payee = "D"] = Sites.way
  const { host, port } = ring.endpointOf(Sites.referee)
  say(`${users[Sites.referee]}'s node, which is to decide on the lift, is frozen with SIGSTOP`)
  ring.freeze(Sites.referee)
  say(`${users[payor]} pays ${users[payee]} over bob and carol`)
  const { lift: begun } = yield* desks[payor].run({
    _tag: "PayOver",
    to: { cuid: users[payee], agent: ring.keyOf(payee) },
    units: Sites.payment,
    memo: "for the roof",
    referees: [{ key: ring.keyOf(Sites.referee), host, port }],
    life: Duration.toMillis(life)
  })
  const lift = yield* made(begun, "lift")
  yield* promisedAt(stage, lift, Sites.way)
  facts.killedAt = yield* standings(stage, lift)
  yield* ring.kill(Sites.relay)
  say(`all four have promised; ${users[Sites.relay]}'s node was killed with SIGKILL and is restarted`)
  yield* ring.restart(Sites.relay)
  facts.remembered = yield* desks[Sites.relay].standingUntil(lift, (standing) => standing !== "away")

  ring.cut(...Sites.line)
  say(`the line between bob's and carol's nodes is cut, and ${users[Sites.referee]}'s node goes on and decides`)
  ring.thaw(Sites.referee)
  const behind = Sites.way.slice(Sites.way.indexOf(Sites.line[1]))
  yield* goodAt(stage, lift, behind)
  facts.cutAt = yield* standings(stage, lift)
  say("the lift is good behind the cut and promised before it; the line is healed")
  ring.heal(...Sites.line)
  const { status } = yield* desks[payor].paymentUntilOver(lift)
  facts.payment = status
  yield* all(Sites.way.map((site) => desks[site].standingUntil(lift, (now) => now === "good" || now === "void")))
  facts.settled = yield* standings(stage, lift)
})

const clear = Effect.fnUntraced(function* ({ desks, facts, life }: Stage) {
  const { lift } = yield* desks.A.run({ _tag: "PayOver", units: Sites.circle, life: Duration.toMillis(life) })
  const { status } = yield* desks.A.paymentUntilOver(yield* made(lift, "lift"))
  facts.circle = status
})

/** How a tally stands now. */
const balance = Effect.fnUntraced(function* ({ desks }: Stage, { creditor, debtor, tally }: Tally) {
  const [stock, foil] = yield* all([desks[creditor].half(tally), desks[debtor].half(tally)])
  const isStill = [stock, foil].every((half) => half !== undefined && half.sums.up + half.sums.down === 0n)
  const isOne =
    stock?.chain !== undefined &&
    foil?.chain !== undefined &&
    stock.chain.unplaced === 0 &&
    stock.chain.at.hash === foil.chain.at.hash &&
    foil.chain.agreed === foil.chain.at.index
  const found: Balance = {
    creditor,
    debtor,
    atCreditor: stock?.sums.net,
    atDebtor: foil?.sums.net,
    isQuiet: isStill && isOne
  }
  return found
})

const look = Effect.fnUntraced(function* (stage: Stage, tallies: ReadonlyArray<Tally>) {
  stage.facts.balances = yield* all(tallies.map((tally) => balance(stage, tally)))
  return stage.facts.balances.every(
    ({ atCreditor, atDebtor, isQuiet, ...pair }) =>
      isQuiet && atCreditor === Sites.owed(pair) && atDebtor === Sites.owed(pair)
  )
})

/** Everything, up to the moment when nothing moves any more. */
export const run = Effect.fnUntraced(function* (stage: Stage) {
  const { desks, say } = stage
  for (const site of sites) yield* desks[site].run({ _tag: "PutUser", type: "person", name: users[site] })
  say("everybody opens a tally with the next one")
  const tallies = yield* all(pairs.map((pair) => open(stage, pair)))
  say("everybody asks the one before them for something, and is paid")
  yield* all(tallies.map((tally) => payInvoice(stage, tally)))
  yield* pay(stage)
  say("what was asked for goes once around and is cleared")
  yield* clear(stage)
  say("waiting until both ends of every tally have all")
  while (!(yield* look(stage, tallies))) yield* Effect.sleep("200 millis")
})
