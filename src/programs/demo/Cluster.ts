/**
 * Three nodes and the lines between them. Every node knows each other one by the address of a proxy of that pair, so
 * that every connection between two nodes passes through a proxy of the demo, whoever dialled.
 */
import { Clock, Deferred, Effect, Scope } from "effect"
import { Address, Endpoint } from "../../protocol/Address.ts"
import * as LinkProxy from "../../testing/LinkProxy.ts"
import { type Board, type Name, names, othersOf } from "./Board.ts"
import * as ChildNode from "./ChildNode.ts"
import type { Report } from "./Contract.ts"
import { DemoFailed } from "./DemoFailed.ts"
import type { Homes } from "./Homes.ts"
import type { Stop } from "./Verdict.ts"

/** How fast the nodes send. */
export interface Pace {
  readonly messages: number
  readonly burst: number
  readonly pause: number
}

export interface Cluster {
  /** Lets every node connect and send. */
  readonly begin: Effect.Effect<void>
  /** Lets a node send so many messages to each other one at once. */
  readonly rush: (name: Name, messages: number) => void
  /** SIGKILL. */
  readonly kill: (name: Name) => Effect.Effect<void>
  /** Starts a killed node again, on the same data, and lets it go on. */
  readonly restart: (name: Name) => Effect.Effect<void, DemoFailed>
  /** SIGSTOP and SIGCONT. */
  readonly freeze: (name: Name) => void
  readonly thaw: (name: Name) => void
  /** Nothing passes between two nodes any more, and again. */
  readonly cut: (one: Name, other: Name) => void
  readonly heal: (one: Name, other: Name) => void
  /** Until this holds, looking whenever a node has reported; `by` is that node. */
  readonly until: (holds: (by: Name) => boolean) => Effect.Effect<void>
  /** SIGTERM to all at once. */
  readonly stop: Effect.Effect<ReadonlyArray<Stop>>
  /** When a node has ended by itself. */
  readonly failed: Effect.Effect<never, DemoFailed>
}

/** A node that is not ready after this long never will be; the first start makes a database. */
const readyWithin = "120 seconds"
const host = "127.0.0.1"

export const make = Effect.fnUntraced(function* (board: Board, homes: Homes, pace: Pace) {
  const scope = yield* Scope.Scope
  const failed = Deferred.makeUnsafe<never, DemoFailed>()
  const nodes = new Map<Name, ChildNode.ChildNode>()
  const lines = new Map<string, LinkProxy.LinkProxy>()
  const waiting = new Set<(by: Name) => void>()

  for (const from of names) {
    for (const to of othersOf(from)) {
      const line = yield* Effect.mapError(
        LinkProxy.make(),
        (cause) => new DemoFailed({ problem: "there is no port for a proxy", cause })
      )
      lines.set(from + to, line)
    }
  }
  const line = (from: Name, to: Name): LinkProxy.LinkProxy => lines.get(from + to)!
  const node = (name: Name): ChildNode.ChildNode => nodes.get(name)!

  const until = (holds: (by: Name) => boolean): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const look = (by: Name) => {
        if (holds(by) && waiting.delete(look)) resume(Effect.void)
      }
      waiting.add(look)
      return Effect.sync(() => void waiting.delete(look))
    })

  const heard = (name: Name, report: Report) => {
    const entry = board.entry(name)
    if (report._tag === "Status") board.heard(name, report)
    else {
      entry.key = report.key
      entry.state = "running"
      for (const other of othersOf(name)) line(other, name).aim(new Endpoint({ host, port: report.port }))
    }
    Array.from(waiting).forEach((look) => look(name))
  }

  const start = Effect.fnUntraced(function* (name: Name) {
    board.entry(name).state = "starting"
    const { log, ...start } = homes.of(name)
    const child = yield* ChildNode.start({
      name,
      start,
      log,
      onReport: (report) => heard(name, report),
      onDeath: (error) => Deferred.doneUnsafe(failed, Effect.fail(error))
    }).pipe(Effect.provideService(Scope.Scope, scope))
    nodes.set(name, child)
    const ready = until(() => board.entry(name).state === "running")
    yield* Effect.timeoutOrElse(Effect.raceFirst(ready, Deferred.await(failed)), {
      duration: readyWithin,
      orElse: () => Effect.fail(new DemoFailed({ problem: `node ${name} was not ready within ${readyWithin}` }))
    })
  })

  const begin = (name: Name) =>
    Effect.sync(() => {
      const peers = othersOf(name).map((other) => {
        const { host, port } = line(name, other).endpoint
        return new Address({ key: board.entry(other).key!, host, port })
      })
      node(name).tell({ _tag: "Begin", peers, ...pace })
    })

  const stop = Effect.fnUntraced(function* (name: Name) {
    const clock = yield* Clock.Clock
    const asked = clock.currentTimeMillisUnsafe()
    const { code, signal } = yield* node(name).stop
    board.silenced(name, "stopped")
    const stopped: Stop = { node: name, code, signal, millis: clock.currentTimeMillisUnsafe() - asked }
    return stopped
  })

  const both = (one: Name, other: Name) => [line(one, other), line(other, one)]

  yield* Effect.forEach(names, start, { concurrency: "unbounded", discard: true })
  const cluster: Cluster = {
    begin: Effect.forEach(names, begin, { discard: true }),
    rush: (name, messages) => node(name).tell({ _tag: "Rush", messages }),
    kill: (name) =>
      Effect.andThen(
        node(name).kill,
        Effect.sync(() => board.silenced(name, "killed"))
      ),
    restart: (name) => Effect.andThen(start(name), begin(name)),
    freeze: (name) => {
      node(name).freeze()
      board.silenced(name, "frozen")
    },
    thaw: (name) => {
      node(name).thaw()
      board.entry(name).state = "running"
    },
    cut: (one, other) => both(one, other).forEach((line) => line.cut("silence")),
    heal: (one, other) => both(one, other).forEach((line) => line.heal()),
    until,
    stop: Effect.forEach(names, stop, { concurrency: "unbounded" }),
    failed: Deferred.await(failed)
  }
  return cluster
})
