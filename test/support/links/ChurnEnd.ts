/**
 * A process in which a node is connected to and parted from again and again, in every way in which a session ends: what
 * that leaves behind. `Churn.ts` starts it.
 */
import { Effect, Exit, Scope } from "effect"
import * as Diagnostics from "node:diagnostics_channel"
import type { Socket } from "node:net"
import * as End from "../../../bench/End.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { counted, heap, resources, type Resources } from "./Resources.ts"
import * as TcpNode from "./TcpNode.ts"

/** How a session ends. */
export const endings = ["goodbye of the dialler", "goodbye of the dialled", "reset", "stop of the dialler"] as const
export type Ending = (typeof endings)[number]

/** Nothing keeps a node from dialling again at once. */
const link: Partial<LinkConfig.Config> = {
  firstDialDelay: 0,
  dialRate: { burst: 1_000_000, perSecond: 1_000_000 },
  redial: { ...LinkConfig.defaults.redial, baseMillis: 1, capMillis: 1, answeredMillis: 1, starts: 1_000_000 }
}

const hubNumber = 1
const clientNumber = 2
/** Of a node that is started for one session and stopped. */
const guestNumber = 3

/** The sockets that this process has dialled and that are open. */
const dialled = new Set<Socket>()
Diagnostics.subscribe("net.client.socket", (message) => {
  const { socket } = message as { readonly socket: Socket }
  dialled.add(socket)
  socket.once("close", () => dialled.delete(socket))
})

const scope = Scope.makeUnsafe()
const started = (number: number, within: Scope.Scope) =>
  TcpNode.start({
    number,
    link,
    listen: number === hubNumber ? { host: "127.0.0.1", port: 0 } : undefined
  }).pipe(Scope.provide(within), counted)

const hub = await Effect.runPromise(started(hubNumber, scope))
const client = await Effect.runPromise(started(clientNumber, scope))

const liveAt = (node: TcpNode.TcpNode, peer: TcpNode.TcpNode) => node.registry.session(peer.key)
const meet = Effect.fnUntraced(function* (one: TcpNode.TcpNode) {
  yield* Effect.orDie(one.node.connect(hub.address!))
  yield* one.until(() => liveAt(one, hub) !== undefined)
  yield* hub.until(() => liveAt(hub, one) !== undefined)
})
const parted = Effect.fnUntraced(function* (one: TcpNode.TcpNode) {
  yield* one.until(() => liveAt(one, hub) === undefined)
  yield* hub.until(() => liveAt(hub, one) === undefined)
})

const visit = Effect.gen(function* () {
  const own = yield* Scope.make()
  const guest = yield* started(guestNumber, own)
  yield* meet(guest)
  yield* Scope.close(own, Exit.void)
  yield* hub.until(() => liveAt(hub, guest) === undefined)
})

const cycle = Effect.fnUntraced(function* (ending: Ending) {
  if (ending === "stop of the dialler") return yield* visit
  yield* meet(client)
  yield* Effect.orDie(client.node.forget(hub.key))
  if (ending === "goodbye of the dialler") yield* liveAt(client, hub)!.session.close("unwanted", "enough")
  if (ending === "goodbye of the dialled") yield* liveAt(hub, client)!.session.close("shutdown", "enough")
  if (ending === "reset") for (const socket of dialled) socket.resetAndDestroy()
  return yield* parted(client)
})

const functions = {
  /** So many cycles, the endings in turn; then the heap, in bytes. */
  cycles: async (count: number): Promise<number> => {
    const turns = Array.from({ length: count }, (_, index) => endings[index % endings.length]!)
    await Effect.runPromise(Effect.forEach(turns, cycle, { discard: true }))
    return heap()
  },
  resources: (): Resources => resources(),
  sessions: (): number => hub.peers().size + client.peers().size
}
export type Functions = typeof functions

End.serve(functions)
