/**
 * The part of the API that is about credit: what users tell the node to do, and what they see. A node that does not keep credit answers
 * every request with `NotFound`.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { Cuid } from "../../protocol/credit/Chad.ts"
import { ChitId } from "../../protocol/credit/Chit.ts"
import { LiftId } from "../../protocol/credit/LiftPlan.ts"
import { QueryId } from "../../protocol/credit/Route.ts"
import { TallyId } from "../../protocol/credit/TallyDocument.ts"
import { mostRows } from "../../services/credit/Credit.ts"
import { CommandRefused, NotFound, Refused, Unavailable } from "./ApiErrors.ts"
import { Authorization, RequestCheck } from "./Authorization.ts"
import {
  ChitList,
  ChitPage,
  ChitState,
  Command,
  Done,
  EvidenceList,
  IdempotencyKey,
  LiftState,
  Payment,
  PaymentPage,
  RequestList,
  RouteState,
  TallyHalf,
  TallyPage,
  TicketList,
  User,
  UserPage
} from "./CreditModels.ts"

const limit = Schema.optionalKey(
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: mostRows }))
)
const index = Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 2 ** 40 }))

const describe = (summary: string) => OpenApi.annotations({ summary })

const error = [NotFound, Unavailable] as const
const user = { user: Cuid }
const tally = { ...user, tally: TallyId }

export class CreditGroup extends HttpApiGroup.make("credit")
  .add(
    HttpApiEndpoint.post("run", "/credit/users/:user/commands", {
      params: user,
      headers: { "idempotency-key": Schema.optionalKey(IdempotencyKey) },
      payload: Command,
      success: Done,
      error: [CommandRefused, NotFound, Refused, Unavailable]
    }).annotateMerge(
      describe(
        "Do what a user wants, in one transaction; with Idempotency-Key once, however often it is asked. 409: it does not fit what is, " +
          "and nothing was done; 422: the key was used for another command"
      )
    )
  )
  .add(
    HttpApiEndpoint.get("users", "/credit/users", {
      query: { after: Schema.optionalKey(Cuid), limit },
      success: UserPage,
      error
    }).annotateMerge(describe("The users of this node, by their ids"))
  )
  .add(
    HttpApiEndpoint.get("user", "/credit/users/:user", { params: user, success: User, error }).annotateMerge(
      describe("What a user tells of themselves, and whether the node signs for them")
    )
  )
  .add(
    HttpApiEndpoint.get("tallies", "/credit/users/:user/tallies", {
      params: user,
      query: { after: Schema.optionalKey(TallyId), limit },
      success: TallyPage,
      error
    }).annotateMerge(describe("A user's tallies, by their ids. Balances are stock's view: positive is what foil owes"))
  )
  .add(
    HttpApiEndpoint.get("tally", "/credit/users/:user/tallies/:tally", {
      params: tally,
      success: TallyHalf,
      error
    }).annotateMerge(describe("One tally of a user: its agreement, its balance, what may still move"))
  )
  .add(
    HttpApiEndpoint.get("chits", "/credit/users/:user/tallies/:tally/chits", {
      params: tally,
      query: { after: Schema.optionalKey(index), limit },
      success: ChitPage,
      error
    }).annotateMerge(describe("The chits that have a place in the tally's chain, in its order, behind a place"))
  )
  .add(
    HttpApiEndpoint.get("chit", "/credit/users/:user/tallies/:tally/chits/:chit", {
      params: { ...tally, chit: ChitId },
      success: ChitState,
      error
    }).annotateMerge(describe("One chit"))
  )
  .add(
    HttpApiEndpoint.get("moving", "/credit/users/:user/tallies/:tally/moving", {
      params: tally,
      query: { limit },
      success: ChitList,
      error
    }).annotateMerge(describe("Invoices that wait, lifts that are promised, and what is good without a place yet"))
  )
  .add(
    HttpApiEndpoint.get("evidence", "/credit/users/:user/tallies/:tally/evidence", {
      params: tally,
      query: { limit },
      success: EvidenceList,
      error
    }).annotateMerge(describe("Chits that take no effect, kept to be shown"))
  )
  .add(
    HttpApiEndpoint.get("tickets", "/credit/users/:user/tickets", {
      params: user,
      query: { limit },
      success: TicketList,
      error
    }).annotateMerge(describe("The tickets that a user has issued"))
  )
  .add(
    HttpApiEndpoint.get("requests", "/credit/users/:user/requests", {
      params: user,
      query: { limit },
      success: RequestList,
      error
    }).annotateMerge(describe("Tickets of others that a user has shown, and what came of it; the newest last"))
  )
  .add(
    HttpApiEndpoint.get("route", "/credit/users/:user/routes/:query", {
      params: { ...user, query: QueryId },
      success: RouteState,
      error
    }).annotateMerge(describe("A search for ways that a user has begun, and what it has found"))
  )
  .add(
    HttpApiEndpoint.get("payments", "/credit/users/:user/payments", {
      params: user,
      query: { after: Schema.optionalKey(LiftId), limit },
      success: PaymentPage,
      error
    }).annotateMerge(describe("What a user pays over others' tallies; the newest last"))
  )
  .add(
    HttpApiEndpoint.get("payment", "/credit/users/:user/payments/:lift", {
      params: { ...user, lift: LiftId },
      success: Payment,
      error
    }).annotateMerge(describe("One of them, and what became of it"))
  )
  .add(
    HttpApiEndpoint.get("lift", "/credit/lifts/:lift", {
      params: { lift: LiftId },
      success: LiftState,
      error
    }).annotateMerge(describe("A lift that this node takes part in: its plan, promises, and record"))
  )
  .middleware(RequestCheck)
  .middleware(Authorization) {}
