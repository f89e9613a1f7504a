/**
 * Bare sockets on both sides of a fault proxy: nodes "a" to "c", each listening on a port of its own, dialling each other
 * through routes.
 */
import { Effect } from "effect"
import { Rng } from "../../src/testing/world/Rng.ts"
import type { Fault, FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import { fifo } from "../../src/testing/world/Schedule.ts"
import * as FaultProxy from "../../src/testing/proxy/FaultProxy.ts"
import { plain } from "../../src/testing/proxy/Lane.ts"
import { dial, listen, roundTrip } from "./LoopbackEnds.ts"

/** A fault of any length: it lasts as long as the test strikes. */
export const long = 1_000_000

/** A plan in which nothing but these faults goes wrong. */
export const planOf = (faults: FaultPlan["faults"], more: Partial<FaultPlan> = {}): FaultPlan => ({
  version: 1,
  nodes: 3,
  duration: 60_000,
  schedule: fifo,
  network: plain,
  operations: 0,
  database: "memory",
  faults,
  ...more
})

/** A proxy with a route from "a" to "b" and one from "a" to "c", and a way to connect by each. */
export const proxied = Effect.fnUntraced(function* (options: Omit<FaultProxy.Options, "routes"> = {}) {
  const targets = { b: yield* listen, c: yield* listen }
  const routes = (["b", "c"] as const).map((to) => ({ from: "a", to, target: targets[to].endpoint }))
  const proxy = yield* FaultProxy.make({ seed: 7, ...options, routes })
  const dialTo = (to: "b" | "c") => dial(proxy.endpoint("a", to)!)
  /** Both ends of a new connection of "a" with this node. */
  const connect = Effect.fnUntraced(function* (to: "b" | "c") {
    const left = yield* dialTo(to)
    return { left, right: yield* targets[to].accept }
  })
  /** Lets everything else happen that can: another connection carries something there and back many times. */
  const meanwhile = Effect.gen(function* () {
    const own = yield* listen
    const left = yield* dial(own.endpoint)
    const right = yield* own.accept
    for (let turn = 0; turn < 50; turn++) yield* roundTrip(left, right, "busy")
  }).pipe(Effect.scoped)
  return { proxy, targets, dialTo, connect, meanwhile }
})

/** Does something while a fault is at work, and says how much has felt it. */
export const during = <A, E, R>(proxy: FaultProxy.FaultProxy, fault: Fault, body: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const { end } = yield* proxy.strike(fault)
    const result = yield* body
    return { result, touched: end() }
  }).pipe(Effect.scoped)

/** Milliseconds that something takes. */
export const lasting = <A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.gen(function* () {
    const begun = performance.now()
    yield* body
    return performance.now() - begun
  })

/**
 * The shortest time that something takes: it is done again until it takes less than `enough` milliseconds, which a busy
 * machine may put off, or fifty times.
 */
export const fastest = Effect.fnUntraced(function* <E, R>(body: Effect.Effect<unknown, E, R>, enough: number) {
  let least = Number.POSITIVE_INFINITY
  for (let turn = 0; turn < 50 && least >= enough; turn++) least = Math.min(least, yield* lasting(body))
  return least
})

/** Bytes that look random, as text of one byte a character. */
export const noise = (size: number): string => Buffer.from(new Rng(1, "noise").bytes(size)).toString("latin1")
