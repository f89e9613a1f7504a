/**
 * Listens for Bitcoin peers, within the limits of every listener of a node. That it cannot listen is an event, and tried
 * again; a change of the address closes the old port and no connection.
 */
import { Clock, Effect, Exit, Latch, Scope } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import { Door } from "../link/Acceptor.ts"
import { LinkConfig } from "../link/LinkConfig.ts"
import { monotonic } from "../Monotonic.ts"
import { type Accepted, Transport } from "../link/Transport.ts"
import type { Config } from "./Config.ts"
import type { PeerEvent } from "./PeerEvent.ts"
import type { Roster } from "./Roster.ts"
import type { Serve } from "./Serve.ts"

export interface Options {
  readonly config: () => Config
  readonly roster: Roster
  readonly serve: Serve
  readonly isBanned: (host: string) => boolean
  readonly tell: (event: PeerEvent) => void
}

export const make = Effect.fnUntraced(function* ({ config, isBanned, roster, serve, tell }: Options) {
  const transport = yield* Transport
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const changed = Latch.makeUnsafe(false)
  let endpoint: Endpoint | undefined

  /** Connections that came in and whose handshake is not over. */
  const pending = () =>
    roster.entries.flatMap(({ kind, peer, state }) =>
      kind === "Outbound" || state === "Connected" || peer === undefined
        ? []
        : [{ direction: "inbound" as const, host: peer.host }]
    )
  const door = new Door(yield* LinkConfig, pending, isBanned)

  const accept = ({ remote: { host, port }, socket }: Accepted): Effect.Effect<void> =>
    Effect.gen(function* () {
      const remote = `${host.includes(":") ? `[${host}]` : host}:${port}`
      const objection = door.objection(host, monotonic(clock))
      const entry = objection ?? roster.accept(host, remote)
      if (typeof entry === "string") return tell({ _tag: "NotTaken", remote, reason: entry })
      const served = serve(socket, { entry, host, port })
      yield* Effect.onExit(served, (exit) =>
        Effect.sync(() => {
          const { detail, ending } =
            exit._tag === "Success" ? exit.value : { ending: "closed" as const, detail: "this node stops" }
          roster.ended(entry.id, ending, detail)
        })
      )
    }).pipe(Effect.scoped)

  /** Takes what comes in until the address changes. What has come in goes on, and ends with the node at the latest. */
  const run = Effect.fnUntraced(function* (at: Endpoint, until: Scope.Closeable) {
    const listener = yield* Scope.provide(transport.listen(at), until)
    endpoint = listener.endpoint
    tell({ _tag: "Listening", endpoint: listener.endpoint.toString() })
    const open = new Set<object>()
    const emptied = Latch.makeUnsafe(true)
    const counted = (accepted: Accepted) =>
      Effect.suspend(() => {
        open.add(accepted)
        emptied.closeUnsafe()
        return Effect.ensuring(
          accept(accepted),
          Effect.sync(() => void (open.delete(accepted) && open.size === 0 && emptied.openUnsafe()))
        )
      })
    yield* Effect.raceFirst(listener.run(counted), changed.await)
    yield* Effect.forkIn(Effect.andThen(emptied.await, Scope.close(until, Exit.void)), scope)
  })

  const listen = (at: Endpoint) =>
    Effect.flatMap(Scope.fork(scope), (until) => run(at, until)).pipe(
      Effect.catch((error) => {
        tell({ _tag: "ListenFailed", endpoint: at.toString(), reason: error.message })
        return Effect.timeoutOption(changed.await, config().listenAgain)
      }),
      Effect.ensuring(Effect.sync(() => void (endpoint = undefined)))
    )

  return {
    /** For ever. */
    run: Effect.suspend(() => {
      changed.closeUnsafe()
      const at = config().listen
      return at === undefined ? changed.await : Effect.asVoid(listen(at))
    }).pipe(Effect.forever),
    /** The address to listen at may have changed. */
    changed: (): void => void changed.openUnsafe(),
    endpoint: (): Endpoint | undefined => endpoint
  }
})
