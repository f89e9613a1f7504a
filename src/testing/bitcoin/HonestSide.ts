/**
 * A node of the scenario `bitcoin` that speaks as one of the five real ones: it stays connected with the manager, says now and
 * then what real nodes survive, and expects its pings to be answered.
 */
import { Effect, Option, type Scope } from "effect"
import { Endpoint } from "../../protocol/Address.ts"
import type { Transport } from "../../services/link/Transport.ts"
import type { Self } from "../cluster/Scenario.ts"
import { families, familyNames } from "./NodeFamily.ts"
import type { ScriptedLink } from "./ScriptedLink.ts"
import * as ScriptedNode from "./ScriptedNode.ts"
import { type Cast, chain, endpointOf, markOf, network, type Side } from "./SimulatedSide.ts"
import { type ConnectedName, connectedNames, ends } from "./Stimulus.ts"

/** Those that cost points, of which a peer is banned that plays them often, and one that takes minutes on a slow network. */
const costly: ReadonlySet<ConnectedName> = new Set<ConnectedName>(["addr 1001", "headers with tx count 1", "inv 50001"])
/** Nodes of BSV have sent a protoconf, and may not send another. */
const survivable = (isBsv: boolean): ReadonlyArray<ConnectedName> =>
  connectedNames.filter(
    (name) => ends[name] === undefined && !costly.has(name) && !(isBsv && name === "protoconf ok 2 fields")
  )

/** Milliseconds: between two pings, and for an answer where nothing goes wrong. */
const [interval, patience] = [5_000, 20_000]
/** Milliseconds before it dials again. */
const again = 1_000
/** What it plays in the quiet end. */
const played = 3

const isAnswered = (link: ScriptedLink): Effect.Effect<boolean> =>
  link.ping.pipe(
    Effect.timeoutOption(patience),
    Effect.map(Option.isSome),
    Effect.catch(() => Effect.succeed(false))
  )

/** Until the manager is silent, or the connection is over. */
const stays = Effect.fnUntraced(function* (node: ScriptedNode.ScriptedNode, to: Endpoint) {
  const link = yield* node.dial(to)
  yield* Effect.timeoutOption(link.connected, patience)
  while (link.isConnected && (yield* isAnswered(link))) yield* Effect.sleep(interval)
}, Effect.scoped)

export const make = Effect.fnUntraced(function* (
  self: Self,
  cast: Cast
): Effect.fn.Return<Side, Error, Transport | Scope.Scope> {
  const { duration, name, operations, random } = self
  const family = random.pick(familyNames) ?? "bsv"
  const names = survivable(family === "bsv")
  const agent = `${families[family].agent}${markOf(name)}`
  const node = yield* ScriptedNode.make({ family, network, chain, version: { agent } })
  let wrong: string | undefined
  let isShown = false

  if (cast.listening.includes(name)) yield* node.listen({ host: "0.0.0.0", port: network.port })
  else {
    const dials = Effect.andThen(Effect.ignore(stays(node, endpointOf(cast.manager))), Effect.sleep(again))
    yield* Effect.forkScoped(Effect.forever(dials))
  }

  const live = (): ReadonlyArray<ScriptedLink> => node.links().filter(({ isConnected }) => isConnected)

  /** One on which somebody is: others may have been left behind, or be the ghost of one. */
  const answering = Effect.suspend(() => {
    const links = live()
    const asked = Effect.forEach(links, isAnswered, { concurrency: "unbounded" })
    return Effect.map(asked, (answers) => links.findLast((_, index) => answers[index] === true))
  })

  /** It was answered before: whatever follows is the stimulus's doing. */
  const survives = Effect.fnUntraced(function* (link: ScriptedLink, name: ConnectedName) {
    yield* link.play(name)
    if (!(yield* isAnswered(link))) wrong ??= `no ping is answered after "${name}"`
  })

  return {
    wrong: () => wrong,
    disturb: Effect.gen(function* () {
      for (let left = operations; left > 0; left--) {
        yield* Effect.sleep(random.exponential((duration / (operations + 1)) * 1_000) / 1_000)
        const link = live().at(-1)
        const stimulus = random.pick(names)
        if (link !== undefined && stimulus !== undefined) yield* link.play(stimulus)
      }
    }),
    check: Effect.gen(function* () {
      if (isShown || wrong !== undefined) return undefined
      const link = yield* answering
      if (link === undefined) return "nobody answers its ping"
      for (let left = played; left > 0; left--) yield* survives(link, random.pick(names) ?? "mempool")
      isShown = true
      return undefined
    })
  }
})
