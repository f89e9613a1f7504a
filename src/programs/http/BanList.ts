/**
 * Who is kept out, as the API shows it and as operators change it.
 */
import { Effect } from "effect"
import * as Ban from "../../protocol/link/Ban.ts"
import { Bans } from "../../services/link/Bans.ts"
import { Node } from "../../services/Node.ts"
import { NotFound, Refused } from "./ApiErrors.ts"
import type { BanView, NewBan } from "./Models.ts"
import { reachable } from "./Reachable.ts"

const view = (ban: Ban.Ban): BanView => ({ ...ban, about: Ban.peerOf(ban.subject) === undefined ? "host" : "peer" })

export const make = Effect.gen(function* () {
  const bans = yield* Bans
  const node = yield* Node
  return {
    list: Effect.sync(() => bans.list().map(view)),

    ban: Effect.fn("Api.ban")(function* ({
      forMillis,
      reason = "an operator asked for it",
      subject
    }: typeof NewBan.Type) {
      if (Ban.peerOf(subject) === node.key) {
        return yield* new Refused({
          message: `${subject} is this node itself`,
          fix: "Give the key of another node.",
          see: "GET /peers"
        })
      }
      const ban = yield* bans.order(subject, { reason, forMillis }).pipe(
        reachable,
        Effect.catchTag("BansFull", ({ message }) =>
          Effect.fail(new Refused({ message, fix: "Lift one that is no longer needed.", see: "GET /bans" }))
        )
      )
      return view(ban)
    }),

    unban: Effect.fn("Api.unban")(function* (subject: Ban.Subject) {
      if (!(yield* reachable(bans.lift(subject)))) {
        return yield* new NotFound({
          message: `${subject} is not banned`,
          fix: "Give one that is.",
          see: "GET /bans"
        })
      }
      return { subject }
    })
  }
})
