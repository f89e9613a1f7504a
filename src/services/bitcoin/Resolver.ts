/** Finds the addresses of a name: what Bitcoin's seeds are asked with. */
import { Context, type Effect, Schema } from "effect"

export class LookupFailed extends Schema.TaggedError<LookupFailed>()("LookupFailed", {
  name: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  override get message(): string {
    return `no addresses of ${this.name}: ${this.cause instanceof Error ? this.cause.message : "nobody answers"}`
  }
}

export class Resolver extends Context.Service<
  Resolver,
  {
    /** All addresses of the name, of both families. */
    readonly addresses: (name: string) => Effect.Effect<ReadonlyArray<string>, LookupFailed>
  }
>()("holdfast/services/bitcoin/Resolver") {}
