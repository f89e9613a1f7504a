/** Names by the system's DNS servers, without the file of hosts. */
import { Effect, Layer } from "effect"
import * as dns from "node:dns/promises"
import { LookupFailed, Resolver } from "../services/bitcoin/Resolver.ts"

/** How long a server may take, in milliseconds, and how often it is asked. */
const patience = { timeout: 5_000, tries: 2 }

export const layer: Layer.Layer<Resolver> = Layer.effect(
  Resolver,
  Effect.sync(() => {
    const resolver = new dns.Resolver(patience)
    const family = (find: Promise<ReadonlyArray<string>>) => find.catch((error: unknown) => error)
    return Resolver.of({
      addresses: (name) =>
        Effect.flatMap(
          Effect.promise(() => Promise.all([family(resolver.resolve4(name)), family(resolver.resolve6(name))])),
          (answers) => {
            const found = answers.flatMap((answer) => (Array.isArray(answer) ? (answer as ReadonlyArray<string>) : []))
            return found.length > 0 ? Effect.succeed(found) : Effect.fail(new LookupFailed({ name, cause: answers[0] }))
          }
        )
    })
  })
)
