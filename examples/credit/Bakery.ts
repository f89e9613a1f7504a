/**
 * Credit inside an application: a bakery that lets its customers pay later, and takes what their friends owe them as well.
 *
 * What is done because of an event is done under a key that follows from the event. So the feed may be read from its beginning after
 * every start: what was done before is not done again.
 */
import { Effect, Stream } from "effect"
import type { Cuid, Person } from "holdfast/protocol/credit/Chad"
import type { Invitation } from "holdfast/protocol/credit/Invitation"
import { TallyId } from "holdfast/protocol/credit/TallyDocument"
import { Credit } from "holdfast/services/credit/Credit"
import { Feed } from "holdfast/services/delivery/Feed"

/** What a customer may owe, in milli-CHIP: 50 CHIP. */
export const limit = 50_000n

/** What users tell of themselves. */
const profile = (name: string) => ({ _tag: "PutUser", type: "person", name }) as const

/** The bakery, with one invitation for all its customers: to be printed on its door. */
export const openShop = Effect.fn("Bakery.openShop")(function* (shop: Cuid) {
  const credit = yield* Credit
  yield* credit.run(shop, profile("The bakery"), "open")
  const terms = { terms: { limit }, partnerTerms: { limit: 0n } }
  const { tally } = yield* credit.run(shop, { _tag: "DraftTally", side: "stock", ...terms }, "draft")
  const issued = yield* credit.run(shop, { _tag: "IssueTicket", tally: tally!, reuse: true }, "door")
  return issued.invitation!
})

/** Each tally of which an event of this kind tells the user, from the beginning, and then as they come. */
const tallies = (user: Cuid, kind: string) =>
  Stream.unwrap(Effect.map(Feed, (feed) => feed.follow({ audience: user }))).pipe(
    Stream.filter((item) => item._tag === "Event" && item.event.kind === kind),
    Stream.map((item) => TallyId.make(item._tag === "Event" ? item.event.subject : ""))
  )

/** Offers a tally to whoever has come with the invitation, for ever. */
export const welcome = (shop: Cuid) =>
  Stream.runForEach(
    tallies(shop, "tally.requested"),
    Effect.fnUntraced(function* (tally) {
      const credit = yield* Credit
      // Refused where it was withdrawn meanwhile, say.
      const offer = credit.run(shop, { _tag: "OfferTally", tally }, `offer ${tally}`)
      yield* Effect.catchTag(offer, "CreditRefused", (refused) => Effect.logInfo("Not offered", refused))
    })
  )

/** A customer comes with the invitation, and accepts the first tally that is offered. */
export const join = Effect.fn("Bakery.join")(function* (customer: Cuid, invitation: Invitation) {
  const credit = yield* Credit
  yield* credit.run(customer, profile(customer))
  yield* credit.run(customer, { _tag: "ShowTicket", invitation })
  const [tally] = yield* Stream.runCollect(Stream.take(tallies(customer, "tally.received"), 1))
  const half = yield* credit.tally(customer, tally!)
  yield* credit.run(customer, { _tag: "AcceptTally", tally: tally!, revision: half!.revision })
  return tally!
})

/** Buys on tick: the order's number is the key, so that an order which is sent twice is paid once. */
export const buy = Effect.fn("Bakery.buy")(function* (customer: Cuid, tally: TallyId, order: string, units: bigint) {
  const { chit } = yield* (yield* Credit).run(customer, { _tag: "Pay", tally, units, ref: order }, `order ${order}`)
  return chit!
})

const isEnd = (kind: string): boolean => ["payment.good", "payment.void", "payment.failed"].includes(kind)

/** Pays with what others owe the customer, or may be owed for them: a way is found, and all of it happens or nothing. */
export const payOver = Effect.fn("Bakery.payOver")(function* (customer: Cuid, to: Person, units: bigint) {
  const credit = yield* Credit
  const { lift } = yield* credit.run(customer, { _tag: "PayOver", to, units })
  const feed = yield* Feed
  // The event is there in the transaction that ends the payment.
  yield* feed.follow({ audience: customer }).pipe(
    Stream.filter((item) => item._tag === "Event" && item.event.subject === lift && isEnd(item.event.kind)),
    Stream.take(1),
    Stream.runDrain
  )
  return (yield* credit.payment(customer, lift!))!.status
})
