/**
 * Machines that all know each other, each at an IP address of its own: they become a full mesh, and stay one while some
 * of them go away and come back. Whoever looks, whenever: a node has at most one session with each of the others.
 */
import { Effect, Exit, Fiber, Scope } from "effect"
import * as assert from "node:assert/strict"
import type { Address } from "../../../src/protocol/Address.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { freePort } from "../FreePort.ts"
import * as Stopwatch from "../Stopwatch.ts"
import * as TcpNode from "./TcpNode.ts"

export interface Options {
  readonly machines: number
  /** How often some go away and come back. */
  readonly rounds: number
  /** How many of them. */
  readonly leaving: number
  /** That of production by default; on a busy machine handshakes that are given up and begun again take its time for nothing. */
  readonly handshakeTimeout?: number
}

/** Times in milliseconds. */
export interface Figures {
  readonly machines: number
  readonly sessions: number
  /** From the last start until every node has a session with every other one. */
  readonly complete: number
  /** The same without what this process stood still for, and such milliseconds until a pair that is alone is connected. */
  readonly own: number
  readonly pair: number
  /** Connections that were made on the way. */
  readonly connections: number
  readonly samples: number
  /** The most sessions that a node has ever counted. */
  readonly most: number
  /** From each departure until all who stay count only each other, and from each return to the full mesh. */
  readonly smaller: ReadonlyArray<number>
  readonly whole: ReadonlyArray<number>
}

/** How often all nodes are looked at, in milliseconds, besides every time that something happens. */
const every = 10

interface Machine {
  readonly number: number
  readonly host: string
  readonly port: number
  life: { readonly node: TcpNode.TcpNode; readonly scope: Scope.Closeable } | undefined
}

/** Everybody who runs, looked at again and again. */
class Census {
  samples = 0
  most = 0
  readonly faults = new Set<string>()
  readonly #machines: ReadonlyArray<Machine>
  readonly #keys: ReadonlySet<NodeKey>

  constructor(machines: ReadonlyArray<Machine>) {
    this.#machines = machines
    this.#keys = new Set(machines.map(({ number }) => TcpNode.keyOf(number)))
  }

  get running(): ReadonlyArray<TcpNode.TcpNode> {
    return this.#machines.flatMap(({ life }) => (life === undefined ? [] : [life.node]))
  }

  /** What must hold at every moment. It is called in the midst of the nodes' work, where nothing may be thrown. */
  readonly look = (): void => {
    this.samples++
    for (const node of this.running) {
      const live = node.registry.sessions().map(({ session }) => session.peer)
      const { sessions } = node.reading()
      const others = this.#machines.length - 1
      this.most = Math.max(this.most, sessions, live.length)
      if (new Set(live).size !== live.length) this.faults.add("a peer is counted twice")
      if (live.includes(node.key)) this.faults.add("a node counts itself")
      if (!live.every((peer) => this.#keys.has(peer))) this.faults.add("a peer is counted that is no machine")
      if (sessions > others) this.faults.add(`${sessions} sessions with ${others} other machines`)
    }
  }

  /** Until everybody who runs has a session with each other, and with nobody else. */
  readonly whole: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    const { running } = this
    const isWhole = (node: TcpNode.TcpNode): boolean =>
      node.peers().size === running.length - 1 && node.reading().sessions === running.length - 1
    while (!running.every(isWhole)) for (const node of running) yield* node.until(() => isWhole(node))
  })

  /** Both sides of every pair mean the same session. */
  readonly assertAgreed = (): number => {
    const { running } = this
    const byKey = new Map(running.map((node) => [node.key, node]))
    let ends = 0
    for (const node of running) {
      for (const { session } of node.registry.sessions()) {
        const other = byKey.get(session.peer)?.registry.session(node.key)?.session
        assert.equal(session.number, other?.number)
        assert.notEqual(session.direction, other?.direction)
        ends++
      }
    }
    return ends / 2
  }
}

type Link = Pick<Options, "handshakeTimeout">

const begin = Effect.fnUntraced(function* (
  machine: Machine,
  all: ReadonlyArray<Machine>,
  look: () => void,
  link: Link
) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const { host, number, port } = machine
  const node = yield* Scope.provide(
    TcpNode.start({ number, link, listen: { host, port }, tcp: { localAddress: host }, observer: { noted: look } }),
    scope
  )
  const others = all.flatMap(({ life }) => (life === undefined ? [] : [life.node]))
  machine.life = { node, scope }
  const meet = (from: TcpNode.TcpNode, to: Address) => Effect.orDie(from.node.connect(to))
  for (const other of others) {
    yield* meet(node, other.address!)
    yield* meet(other, node.address!)
  }
})

const leave = (machine: Machine) =>
  Effect.suspend(() => {
    const { life } = machine
    machine.life = undefined
    return life === undefined ? Effect.void : Scope.close(life.scope, Exit.void)
  })

const milliseconds = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const begun = performance.now()
    return Effect.map(effect, () => Math.round(performance.now() - begun))
  })

/** What the connection of one pair takes, on average of a few. */
const pairOf = Effect.fnUntraced(function* (number: number) {
  const link = { firstDialDelay: 0 }
  const called = yield* TcpNode.start({ number, link, listen: { host: "127.0.0.1", port: 0 } })
  const calling = yield* TcpNode.start({ number: number + 1, link })
  const met = Effect.andThen(
    Effect.orDie(calling.node.connect(called.address!)),
    Effect.andThen(
      calling.until(() => calling.peers().size === 1),
      called.until(() => called.peers().size === 1)
    )
  )
  return yield* Stopwatch.milliseconds(met)
}, Effect.scoped)
const pairs = 10

export const run = Effect.fnUntraced(function* ({ leaving, machines: count, rounds, ...link }: Options) {
  const machines: ReadonlyArray<Machine> = yield* Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) =>
      Effect.map(
        Effect.promise(() => freePort()),
        (port) => ({ number: index + 1, host: `127.0.0.${index + 2}`, port, life: undefined })
      )
  )
  const numbers = Array.from({ length: pairs }, (_, index) => count + 1 + 2 * index)
  const alone = yield* Effect.forEach(numbers, pairOf)
  const census = new Census(machines)
  const sampling = yield* Effect.forkChild(
    Effect.forever(Effect.andThen(Effect.sync(census.look), Effect.sleep(every)))
  )
  const whole = milliseconds(census.whole)

  for (const machine of machines) yield* begin(machine, machines, census.look, link)
  let complete = Number.NaN
  const own = yield* Stopwatch.milliseconds(Effect.map(whole, (millis) => void (complete = millis)))
  const sessions = census.assertAgreed()
  const connections = census.running.reduce((sum, node) => sum + node.reading().started.outbound, 0)
  const figures = { smaller: new Array<number>(), whole: new Array<number>() }
  for (let round = 0; round < rounds; round++) {
    const going = machines.filter((_, index) => (index + round * leaving) % count < leaving)
    yield* Effect.forEach(going, leave, { concurrency: "unbounded", discard: true })
    figures.smaller.push(yield* whole)
    for (const machine of going) yield* begin(machine, machines, census.look, link)
    figures.whole.push(yield* whole)
    assert.equal(census.assertAgreed(), sessions)
  }
  yield* Fiber.interrupt(sampling)
  assert.deepEqual([...census.faults], [])
  const result: Figures = {
    machines: count,
    sessions,
    complete,
    own: Math.round(own),
    pair: Math.round(alone.reduce((sum, millis) => sum + millis, 0) / pairs),
    connections,
    samples: census.samples,
    most: census.most,
    ...figures
  }
  return result
})
