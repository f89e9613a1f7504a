/**
 * The chain of a node of the scenario `chain`, as production has it, with the part of the node on top of it, and the book that its
 * blocks are written into. Asks for bodies are counted as they go out.
 */
import { Context, Effect, Layer } from "effect"
import { decode } from "../../protocol/chain/ChainMessage.ts"
import { type Frame, Kind } from "../../protocol/link/Frame.ts"
import { Chain } from "../../services/chain/Chain.ts"
import { HeaderStore } from "../../services/chain/HeaderStore.ts"
import { NodeChain } from "../../services/link/Beside.ts"
import type { Session } from "../../services/link/Session.ts"
import { Place } from "../cluster/Place.ts"
import type { Ground } from "../cluster/Scenario.ts"
import { ChainBook, ledger } from "./ChainBook.ts"
import { castOf, settingsOf } from "./ChainCast.ts"
import { FetchRule } from "./FetchRule.ts"
import { intercepted, type Interception } from "./Interception.ts"
import { rogueOf } from "./RogueChain.ts"

export const twice = "a body is asked for twice at most"

/** Tells when the best chain of headers leaves a branch. */
const watchedHeaders = (store: HeaderStore["Service"], forked: () => void): HeaderStore["Service"] => {
  let height = -1
  return {
    ...store,
    replace: (chain, tip, above, headers) =>
      Effect.suspend(() => {
        if (above !== height) forked()
        height = above + headers.length
        return store.replace(chain, tip, above, headers)
      })
  }
}

/** Counts what a node asks for. */
const fetches = (
  { count, name, nodes, trueMillis, violated }: Place["Service"],
  rule: FetchRule<Session>
): Interception => {
  const messageOf = (frame: Frame) => {
    const message = frame.kind === Kind.Want || frame.kind === Kind.Blocks ? decode(frame) : undefined
    return message?._tag === "Success" ? message.success : undefined
  }
  // What a forger gives counts for nothing, as if it had said that it has none.
  const { partOf } = castOf(nodes)
  const isForger = ({ peer }: Session) => partOf(nodes.find(({ key }) => key === peer)?.name ?? "") === "forger"
  return {
    send: (session, frame) =>
      Effect.suspend(() => {
        const message = messageOf(frame)
        if (message?._tag === "Want" && !isForger(session)) {
          count("chain: bodies asked for", message.ids.length)
          const id = rule.asked(session, message.request, message.ids, trueMillis())
          if (id !== undefined)
            violated(twice, `${name} asks ${session.remote} for the body of ${id}, which it has asked for twice`)
        }
        return session.send(frame.kind, frame.body)
      }),
    receive: (session, frame) => {
      const message = messageOf(frame)
      if (message?._tag === "Blocks") rule.answered(session, message.request, message.bodies.length, message.missing)
      return true
    },
    join: (session) => Effect.addFinalizer(() => Effect.sync(() => rule.left(session)))
  }
}

export const layer: Layer.Layer<Chain | ChainBook, Error, Ground> = Layer.effectContext(
  Effect.gen(function* () {
    const place = yield* Place
    const cast = castOf(place.nodes)
    const part = cast.partOf(place.name)
    const rule = new FetchRule<Session>()
    const headers = watchedHeaders(yield* HeaderStore, () => rule.forked())
    const produce = part === "honest" && cast.interval !== undefined
    const chain = Chain.layer({ settings: settingsOf(cast, place.name), ledger, produce }).pipe(
      Layer.provideMerge(ChainBook.layer),
      Layer.provide(Layer.succeed(HeaderStore, headers))
    )
    const built = yield* Layer.build(chain)
    const linked = Context.get(built, NodeChain)
    if (linked === undefined) return yield* Effect.die(new Error("a chain has come without its links"))
    const rogue = rogueOf(part, linked)
    const strange = rogue === undefined ? linked : intercepted(linked, rogue)
    return Context.add(built, NodeChain, part === "honest" ? intercepted(strange, fetches(place, rule)) : strange)
  })
)
