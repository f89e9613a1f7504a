/**
 * A TCP proxy on the loopback between real processes that is disturbed by a fault plan, the same JSON as the simulator's:
 * one port for every route, and every fault on real sockets.
 *
 * What is random comes from the seed, entry by entry as in the simulator; what a fault meets is up to the processes, so
 * two runs are alike and not the same. Times are milliseconds.
 */
import { Deferred, Effect, FiberSet, type Scope } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import { nodeNames } from "../cluster/NodeNames.ts"
import { type Blow, countOf, once } from "../faults/Blow.ts"
import { keysOf } from "../faults/EntryKey.ts"
import { Fault, type FaultPlan } from "../faults/FaultPlan.ts"
import { describeFault } from "../faults/Words.ts"
import { networkFaults } from "../faults/NetworkFaults.ts"
import type { Touched } from "../faults/Stage.ts"
import { Rng } from "../world/Rng.ts"
import { plain } from "./Lane.ts"
import * as LocalPort from "./LocalPort.ts"
import { ProxyNetwork } from "./ProxyNetwork.ts"
import { check, obstacle, PlanUnsupported, type Timed } from "./ProxyPlan.ts"
import type { Route } from "./Route.ts"
import type { Traffic } from "./Traffic.ts"

export interface Options {
  readonly routes: ReadonlyArray<Route>
  /** Without a plan nothing goes wrong. Its `network` is laid over the loopback, but for backlog and connections. */
  readonly plan?: FaultPlan | undefined
  readonly seed?: string | number | undefined
  /** Leaves out what a proxy cannot do instead of failing. */
  readonly ignoreUnsupported?: boolean | undefined
  /** Connections at once on one route, 64 by default; further ones are turned away. */
  readonly maxConnections?: number | undefined
  /** Told of every fault of the plan, as `run` carries it out. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** A fault of the plan begins or is over. `touched`: connections, chunks, dials or writers that felt it. */
export type Progress =
  | { readonly _tag: "Began"; readonly index: number; readonly fault: Fault }
  | { readonly _tag: "Over"; readonly index: number; readonly fault: Fault; readonly touched: number }

/** A fault that has begun. */
export interface Strike {
  /** How long it is to last; 0 if it was over at once. */
  readonly lasts: number
  /** Undoes it, if that has not happened, and says what it has touched. */
  readonly end: () => number
}

export interface FaultProxy {
  /** Where a node is to dial instead of the other one's own address; `undefined` without such a route. */
  readonly endpoint: (from: string, to: string) => Endpoint | undefined
  /** Where new connections of a route go from now on. */
  readonly aim: (from: string, to: string, target: Endpoint) => void
  /** Refuses new connections of a route; those that are open stay. */
  readonly shut: (from: string, to: string) => void
  /** Carries the plan out, beginning now, and returns when its last fault is over or its duration is. */
  readonly run: Effect.Effect<void>
  /** Waits until a node has dialled another one here, from the beginning on. */
  readonly dialled: Effect.Effect<void>
  /** Begins a fault that a proxy can carry out; it is undone when the scope closes, and not before by itself. */
  readonly strike: (fault: Fault) => Effect.Effect<Strike, PlanUnsupported, Scope.Scope>
  /** What was left out of the plan. */
  readonly ignored: PlanUnsupported["entries"]
  readonly traffic: () => Traffic
}

/** How long connections may take to end in good order when the proxy does, in milliseconds. */
const grace = 1_000

/** Listens for every route at once; proxy and connections end with the scope. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const { maxConnections = 64, onProgress = () => undefined, plan, routes, seed = 0 } = options
  const network = new ProxyNetwork(routes, plan?.network ?? plain, seed, maxConnections)
  const nodes = plan === undefined ? namesIn(routes) : nodeNames(plan.nodes)
  const checked = plan === undefined ? { possible: [], unsupported: [] } : check(plan, network, nodes)
  if (checked.unsupported.length > 0 && options.ignoreUnsupported !== true) {
    return yield* new PlanUnsupported({ entries: checked.unsupported })
  }
  for (const { entry } of checked.possible) {
    if (entry.fault._tag === "Ghost") network.record(entry.fault.from, entry.fault.to)
  }
  const dialled = yield* Deferred.make<void>()
  network.onDialled = () => Deferred.doneUnsafe(dialled, Effect.void)
  yield* Effect.addFinalizer(() => ended(network))
  for (const [index, entrance] of network.entrances.entries()) {
    network.place(entrance, yield* LocalPort.make(routes[index]?.port ?? 0, entrance.accept))
  }

  const blow = (fault: Fault, hand: Parameters<typeof networkFaults>[1]): Blow =>
    Fault.match(fault, { ...networkFaults({ network, nodes }, hand), ...elsewhere })

  const strikeAs = Effect.fnUntraced(function* (fault: Fault, random: Rng) {
    const fork = yield* FiberSet.makeRuntime<never, void>()
    const after = (millis: number, run: () => void) => {
      if (millis <= 0) run()
      else fork(Effect.delay(Effect.sync(run), millis))
    }
    const struck = blow(fault, { random, after })
    if (typeof struck !== "object") return { lasts: 0, end: () => countOf(struck) }
    const end = once(struck.undo)
    yield* Effect.addFinalizer(() => Effect.sync(end))
    return { lasts: struck.for, end }
  })

  const keys = keysOf(plan?.faults ?? [])
  const carryOut = Effect.fnUntraced(function* ({ at, entry: { fault }, index }: Timed) {
    yield* Effect.sleep(at)
    onProgress({ _tag: "Began", index, fault })
    const { end, lasts } = yield* strikeAs(fault, new Rng(seed, `fault/${keys[index]}`))
    yield* Effect.addFinalizer(() => Effect.sync(() => onProgress({ _tag: "Over", index, fault, touched: end() })))
    yield* Number.isFinite(lasts) ? Effect.sleep(lasts) : Effect.never
  }, Effect.scoped)

  const proxy: FaultProxy = {
    endpoint: (from, to) => {
      const entrance = network.entrance(from, to)
      return entrance === undefined ? undefined : network.port(entrance)?.endpoint
    },
    aim: (from, to, target) => {
      const entrance = network.entrance(from, to)
      if (entrance !== undefined) entrance.target = target
    },
    shut: (from, to) => {
      const entrance = network.entrance(from, to)
      if (entrance !== undefined) network.port(entrance)?.shut(entrance)
    },
    run: Effect.forEach(checked.possible, carryOut, { concurrency: "unbounded", discard: true }).pipe(
      Effect.timeoutOption(plan?.duration ?? 0),
      Effect.asVoid
    ),
    dialled: Deferred.await(dialled),
    strike: Effect.fnUntraced(function* (fault) {
      const why = obstacle(fault, network, nodes)
      if (why !== undefined)
        return yield* new PlanUnsupported({ entries: [{ index: 0, what: describeFault(fault), why }] })
      return yield* strikeAs(fault, new Rng(seed, `fault/${describeFault(fault)}`))
    }),
    ignored: checked.unsupported,
    traffic: () => network.traffic()
  }
  return proxy
})

const unreachable = (fault: Fault): Touched => {
  throw new Error(`${fault._tag} is not a fault of networks`)
}

/** The faults that no plan has that was checked. */
const elsewhere = {
  Kill: unreachable,
  Restart: unreachable,
  Pause: unreachable,
  ClockStep: unreachable,
  ClockDrift: unreachable,
  LateTimers: unreachable,
  SlowDatabase: unreachable,
  FailingDatabase: unreachable,
  DatabaseRestart: unreachable,
  RestoreBackup: unreachable,
  Buggify: unreachable
}

/** Undoes every fault, lets what is under way arrive for a moment, and ends what is left. */
const ended = (network: ProxyNetwork): Effect.Effect<void> =>
  Effect.callback<void>((resume) => network.drain(() => resume(Effect.void))).pipe(
    Effect.timeoutOption(grace),
    Effect.ensuring(Effect.sync(() => network.destroy())),
    Effect.asVoid
  )

const namesIn = (routes: ReadonlyArray<Route>): ReadonlyArray<string> =>
  [...new Set(routes.flatMap(({ from, to }) => [from, to]))].sort()
