/**
 * A user of a site who tells it what to do over its API, and looks at what comes of it.
 *
 * Every command has a key, so that it is given again when the answer is lost: it is done once.
 */
import { Effect, type FileSystem, Schedule } from "effect"
import type { Cuid } from "../../../protocol/credit/Chad.ts"
import type { LiftId } from "../../../protocol/credit/LiftPlan.ts"
import type { TallyId } from "../../../protocol/credit/TallyDocument.ts"
import { type Client, connect } from "../../cli/Client.ts"
import type { Command, Done } from "../../http/CreditModels.ts"
import { DemoFailed } from "../DemoFailed.ts"
import type { Standing } from "./Facts.ts"

/** How soon a site is asked again. */
const again = Schedule.spaced("100 millis")

/** The site has answered, and the answer is no. All else is a site that is not there at the moment. */
const refusals: ReadonlySet<string> = new Set(["CommandRefused", "Refused", "NotFound"])

/** One user of the site whose data folder this is. */
export class Desk {
  readonly user: Cuid
  readonly data: string
  #commands = 0

  constructor(user: Cuid, data: string) {
    this.user = user
    this.data = data
  }

  #ask<A, E extends { readonly _tag: string; readonly message: string }>(
    request: (client: Client) => Effect.Effect<A, E>
  ) {
    return Effect.flatMap(connect(this.data), request).pipe(
      Effect.mapError((error) => ({ isNo: refusals.has(error._tag), tag: error._tag, message: error.message }))
    )
  }

  /** Has the site do something, however long it is away. */
  run(payload: Command): Effect.Effect<Done, DemoFailed, FileSystem.FileSystem> {
    const headers = { "idempotency-key": `demo ${++this.#commands}` }
    return this.#ask((client) => client.credit.run({ params: { user: this.user }, headers, payload })).pipe(
      Effect.retry({ schedule: again, while: ({ isNo }) => !isNo }),
      Effect.mapError(
        ({ message }) => new DemoFailed({ problem: `${this.user} could not do ${payload._tag}: ${message}` })
      )
    )
  }

  /** What there is of something: `undefined` if there is none, or the site does not answer. */
  #look<A, E extends { readonly _tag: string; readonly message: string }>(
    request: (client: Client) => Effect.Effect<A, E>
  ) {
    return Effect.orElseSucceed(this.#ask(request), () => undefined)
  }

  /** Looks until it is so. */
  #until<A, R>(look: Effect.Effect<A | undefined, never, R>, isSo: (now: A) => boolean): Effect.Effect<A, never, R> {
    return Effect.flatMap(look, (now) =>
      now !== undefined && isSo(now)
        ? Effect.succeed(now)
        : Effect.delay(
            Effect.suspend(() => this.#until(look, isSo)),
            "100 millis"
          )
    )
  }

  half(tally: TallyId) {
    return this.#look((client) => client.credit.tally({ params: { user: this.user, tally } }))
  }

  halfUntil(tally: TallyId, isSo: (half: NonNullable<Effect.Success<ReturnType<Desk["half"]>>>) => boolean) {
    return this.#until(this.half(tally), isSo)
  }

  chitUntilGood(tally: TallyId, chit: NonNullable<Done["chit"]>) {
    const params = { user: this.user, tally, chit }
    const look = this.#look((client) => client.credit.chit({ params }))
    return this.#until(look, ({ status }) => status === "good")
  }

  /** Until there is an invoice. */
  chitUntilAsked(tally: TallyId, chit: NonNullable<Done["chit"]>) {
    const params = { user: this.user, tally, chit }
    return this.#until(
      this.#look((client) => client.credit.chit({ params })),
      () => true
    )
  }

  paymentUntilOver(lift: LiftId) {
    const params = { user: this.user, lift }
    const look = this.#look((client) => client.credit.payment({ params }))
    return this.#until(look, ({ status }) => status !== "seeking" && status !== "lifting")
  }

  /** Where a lift stands here. */
  standing(lift: LiftId): Effect.Effect<Standing, never, FileSystem.FileSystem> {
    return this.#ask((client) => client.credit.lift({ params: { lift } })).pipe(
      Effect.match({
        onFailure: ({ tag }): Standing => (tag === "NotFound" ? "absent" : "away"),
        onSuccess: ({ status }): Standing => status
      })
    )
  }

  standingUntil(lift: LiftId, isSo: (standing: Standing) => boolean) {
    return this.#until(this.standing(lift), isSo)
  }
}
