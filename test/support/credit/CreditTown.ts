/**
 * Three nodes as processes, alice's, bob's and carol's, each of which knows the other two by a proxy that can be told to carry nothing any
 * more, both ways or one way. What they tell each other is an address where nobody is: else they would get around a line that is cut. Their databases are on PostgreSQL; alice's has a server of its own, which can be killed.
 */
import { Effect, Result } from "effect"
import { parseEndpoint } from "../../../src/protocol/Address.ts"
import * as FaultProxy from "../../../src/testing/proxy/FaultProxy.ts"
import { freePort } from "../FreePort.ts"
import { server } from "../FreshDatabase.ts"
import { createDatabase, start as startServer } from "../PostgresServer.ts"
import { long } from "../ProxiedPair.ts"
import { type CreditHome, make as makeHomes } from "./CreditNodes.ts"

/** What a cut does to what is under way: it waits until the line is healed, or is lost. */
export type Cut = "held" | "lost"

const names = new Map([
  ["alice", "a"],
  ["bob", "b"],
  ["carol", "c"]
])
const nameOf = ({ user }: CreditHome): string => names.get(user) ?? ""

export const make = Effect.gen(function* () {
  const own = yield* Effect.acquireRelease(
    Effect.promise(() => startServer({ own: true })),
    (own) => Effect.promise(() => own.stop())
  )
  const home = yield* makeHomes(
    async (name) => createDatabase(name === "alice" ? own.url : (await server()).url),
    async () => ({ port: await freePort(), advertise: await freePort() })
  )
  const [alice, bob, carol] = yield* Effect.promise(() => Promise.all([home("alice"), home("bob"), home("carol")]))
  const all = [alice, bob, carol]
  const pairs = all.flatMap((from) => all.filter((to) => to !== from).map((to) => ({ from, to })))
  const proxy = yield* FaultProxy.make({
    routes: pairs.map(({ from, to }) => ({
      from: nameOf(from),
      to: nameOf(to),
      target: Result.getOrThrow(parseEndpoint(`${to.address.host}:${to.address.port}`))
    }))
  })
  for (const { from, to } of pairs) {
    const port = proxy.endpoint(nameOf(from), nameOf(to))?.port ?? 0
    yield* Effect.promise(() => from.connect(to.through(port)))
  }

  /** Nothing passes between two any more until the function that this returns is called; one way: from the first to the second. */
  const cut = (from: CreditHome, to: CreditHome, how: Cut = "held", oneWay = false) =>
    Effect.gen(function* () {
      const ends = { from: nameOf(from), to: nameOf(to) }
      const { end } = yield* proxy.strike({ _tag: "Stall", ...ends, ...(oneWay ? { oneWay } : {}), for: long })
      return async (): Promise<void> => {
        if (how === "lost") {
          const close = proxy.strike({ _tag: "Close", ...ends, how: "rst" })
          await Effect.runPromise(Effect.scoped(Effect.orDie(close)))
        }
        end()
      }
    })
  return { alice, bob, carol, own, cut }
})

export type CreditTown = Effect.Success<typeof make>
