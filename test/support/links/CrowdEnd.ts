/**
 * A process with as many nodes as a test asks for, which does as it is told: listens, dials, stands still, and says what
 * has happened to its links. `Crowd.ts` starts it.
 */
import { Effect, Scope } from "effect"
import * as End from "../../../bench/End.ts"
import { TokenBucket, type Rate } from "../../../src/protocol/link/TokenBucket.ts"
import * as Address from "../../../src/protocol/Address.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import type * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import type { DialResult, Noted } from "../../../src/services/link/LinkObserver.ts"
import type { Transport } from "../../../src/services/link/Transport.ts"
import { counted, resources } from "./Resources.ts"
import * as TcpNode from "./TcpNode.ts"

export interface Crowd {
  /** The number of the first node; the others follow. */
  readonly first: number
  readonly count: number
  /** Where each listens, if it does; port 0 takes a free one. */
  readonly listen?: { readonly host: string; readonly port: number }
  readonly link?: Partial<LinkConfig.Config>
  /** Connections that are let in, of all hosts together; more are closed without a word. */
  readonly admission?: Rate
}

/** A dial of one of the nodes. Times are those of `End.now`, in milliseconds. */
export interface Dial {
  readonly at: number
  readonly result: DialResult | undefined
}

/** Times are those of `End.now`, in milliseconds. */
export interface Standstill {
  readonly at: number
  readonly millis: number
}

/** What has happened since the start. */
export interface Story {
  readonly sessions: number
  /** When sessions became live, and why and when they ended. */
  readonly live: ReadonlyArray<number>
  readonly ended: ReadonlyArray<{ readonly at: number; readonly reason: string; readonly detail: string }>
  readonly dials: ReadonlyArray<Dial>
  /** When the process went on after it had stood still or computed, so that timers were late, and how late. */
  readonly standstills: ReadonlyArray<Standstill>
  /** Connections that were not let in. */
  readonly turnedAway: number
  readonly pings: { readonly sent: number; readonly inTime: number }
}

const scope = Scope.makeUnsafe()
const nodes: Array<TcpNode.TcpNode> = []
const live: Array<number> = []
const ended: Array<Story["ended"][number]> = []
const dials: Array<{ at: number; result: DialResult | undefined }> = []
let turnedAway = 0

const now = (): number => End.now() / 1e6

/** How often one looks whether timers are late, in milliseconds, and from when on they are. */
const looks = { every: 5, late: 10 }
const standstills: Array<Standstill> = []
let looked = now()
setInterval(() => {
  const at = now()
  const millis = at - looked - looks.every
  if (millis > looks.late) standstills.push({ at, millis })
  looked = at
}, looks.every).unref()

const observer = {
  noted: ({ detail = "", from, reason = "internal", to }: Noted) => {
    if (to === "active") live.push(now())
    if (to === "closed" && from === "active") ended.push({ at: now(), reason, detail })
  },
  dialling: () => {
    const dial: (typeof dials)[number] = { at: now(), result: undefined }
    dials.push(dial)
    return (result: DialResult) => void (dial.result = result)
  }
}

/** Lets so many in and closes the rest, as a node does with those of one host that is not its own. */
const admitting = (rate: Rate) => {
  const bucket = new TokenBucket(rate, performance.now())
  return (transport: Transport["Service"]): Transport["Service"] => ({
    ...transport,
    listen: (at) =>
      Effect.map(transport.listen(at), (listener) => ({
        ...listener,
        run: (handler) =>
          listener.run((accepted) =>
            Effect.suspend(() => {
              if (bucket.take(performance.now())) return handler(accepted)
              turnedAway++
              return Effect.void
            })
          )
      }))
  })
}

const addressOf = (text: string): Address.Address => {
  const parsed = Address.parse(text)
  if (parsed._tag === "Failure") throw parsed.failure
  return parsed.success
}

const all = <A>(effects: ReadonlyArray<Effect.Effect<A>>): Promise<ReadonlyArray<A>> =>
  Effect.runPromise(Effect.all(effects, { concurrency: "unbounded" }))

/** Whether each session answers, of each node. */
const probed = (node: TcpNode.TcpNode) =>
  Effect.all(
    node.registry
      .sessions()
      .map(({ connection }) =>
        Effect.callback<boolean>((resume) => connection.probe(60_000, (answered) => resume(Effect.succeed(answered))))
      ),
    { concurrency: "unbounded" }
  )

const functions = {
  /** Starts nodes; gives the addresses of those that listen. */
  start: async ({ admission, count, first, link, listen }: Crowd): Promise<ReadonlyArray<string>> => {
    const starting = Array.from({ length: count }, (_, index) =>
      TcpNode.start({
        number: first + index,
        listen,
        link,
        observer,
        ...(admission === undefined ? {} : { through: admitting(admission) })
      }).pipe(Scope.provide(scope), counted)
    )
    const started = await Effect.runPromise(Effect.all(starting))
    nodes.push(...started)
    return started.flatMap(({ address }) => (address === undefined ? [] : [address.toString()]))
  },
  /** Every node stays connected to each of these from now on. */
  want: async (addresses: ReadonlyArray<string>): Promise<void> => {
    const wanted = addresses.map(addressOf)
    await all(nodes.flatMap(({ node }) => wanted.map((address) => Effect.orDie(node.connect(address)))))
  },
  /** Until every node has so many sessions. */
  connected: async (each: number): Promise<void> => {
    await all(nodes.map((node) => node.until(() => node.peers().size === each)))
  },
  /** Asks every session for a sign of life: how many give one. */
  probe: async (): Promise<number> => (await all(nodes.map(probed))).flat().filter((answered) => answered).length,
  /** The numbers of the sessions with a peer. */
  numbers: (peer: string): ReadonlyArray<bigint> =>
    nodes.flatMap(({ registry }) => registry.session(peer as NodeKey)?.session.number ?? []),
  story: (): Story => {
    const readings = nodes.map(({ reading }) => reading())
    const sum = (of: (reading: (typeof readings)[number]) => number) => readings.reduce((all, it) => all + of(it), 0)
    return {
      sessions: sum(({ sessions }) => sessions),
      live,
      ended,
      dials,
      standstills,
      turnedAway,
      pings: { sent: sum(({ pings }) => pings.sent), inTime: sum(({ pings }) => pings.inTime) }
    }
  },
  /** Does nothing at all for so many milliseconds: no timer, no socket. */
  block: (millis: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis),
  /** Until so many dials have come to something. */
  dialled: async (count: number): Promise<void> => {
    await all([nodes[0]!.until(() => dials.filter(({ result }) => result !== undefined).length >= count)])
  },
  /** Why the first node cannot listen at one more port; nothing if it can. */
  listening: (): Promise<string | undefined> =>
    Effect.runPromise(
      nodes[0]!.transport.listen({ host: "127.0.0.1", port: 0 }).pipe(
        Effect.scoped,
        Effect.map(() => undefined),
        Effect.catch(({ reason }) => Effect.succeed(reason))
      )
    ),
  memory: () => End.memory(),
  resources: () => resources()
}
export type Functions = typeof functions

End.serve(functions)
