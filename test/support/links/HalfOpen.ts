/**
 * A session that is dead without an end: a fault proxy lets its bytes vanish, in both directions or in one. Only one side
 * has a heartbeat, so only that side can notice; the other one holds on to the dead session until it is told.
 */
import { Effect } from "effect"
import * as assert from "node:assert/strict"
import { Address } from "../../../src/protocol/Address.ts"
import type { Profile } from "../../../src/protocol/link/Heartbeat.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import * as FaultProxy from "../../../src/testing/proxy/FaultProxy.ts"
import * as TcpNode from "./TcpNode.ts"

export interface Case {
  /** Who has a heartbeat: the arbiter of the pair, or the other one. */
  readonly alert: "arbiter" | "follower"
  /** Who has dialled the session that dies. */
  readonly dialler: "alert" | "deaf"
  /** Whose bytes vanish. */
  readonly lost: "both" | "of the alert" | "of the deaf"
}

export const cases: ReadonlyArray<Case> = (["arbiter", "follower"] as const).flatMap((alert) =>
  (["alert", "deaf"] as const).flatMap((dialler) =>
    (["both", "of the alert", "of the deaf"] as const).map((lost) => ({ alert, dialler, lost }))
  )
)

export interface Figures {
  /** Dials that it took. */
  readonly dials: number
  /** From the end of the dead session to the next one, in milliseconds. */
  readonly replaced: number
}

const awake: Profile = { interval: 250, timeout: 750, missed: 1, stable: 500 }
/** Later than any test. */
const asleep: Profile = { interval: 3_600_000, timeout: 7_200_000, missed: 1, stable: 500 }

const redial = { ...LinkConfig.defaults.redial, baseMillis: 100, duplicateMillis: 100 }

const listen = { host: "127.0.0.1", port: 0 }

const sessionOf = (node: TcpNode.TcpNode, other: TcpNode.TcpNode) => node.registry.session(other.key)?.session

export const run = Effect.fnUntraced(function* ({ alert: role, dialler, lost }: Case) {
  const numbers = { arbiter: TcpNode.arbiter, follower: TcpNode.follower }
  const other = role === "arbiter" ? "follower" : "arbiter"
  const link = { redial, firstDialDelay: 0, standstill: 3_600_000 }
  const alert = yield* TcpNode.start({ number: numbers[role], listen, link: { ...link, heartbeat: awake } })
  const deaf = yield* TcpNode.start({ number: numbers[other], listen, link: { ...link, heartbeat: asleep } })
  const proxy = yield* FaultProxy.make({
    routes: [
      { from: "a", to: "b", target: deaf.address!.endpoint },
      { from: "b", to: "a", target: alert.address!.endpoint }
    ]
  })
  const by = (from: string, to: string, { key }: TcpNode.TcpNode) => {
    const { host, port } = proxy.endpoint(from, to)!
    return new Address({ key, host, port })
  }
  if (dialler === "deaf") {
    yield* Effect.orDie(deaf.node.connect(by("b", "a", alert)))
    yield* alert.until(() => sessionOf(alert, deaf) !== undefined)
  }
  yield* Effect.orDie(alert.node.connect(by("a", "b", deaf)))
  yield* alert.until(() => sessionOf(alert, deaf) !== undefined)
  yield* deaf.until(() => sessionOf(deaf, alert) !== undefined)
  const dead = sessionOf(alert, deaf)?.number ?? 0n
  assert.equal(sessionOf(deaf, alert)?.number, dead)

  const direction = lost === "of the alert" ? { from: "a", to: "b" } : { from: "b", to: "a" }
  yield* proxy.strike({ _tag: "Silence", ...direction, oneWay: lost !== "both" })
  const newer = (node: TcpNode.TcpNode, from: TcpNode.TcpNode) => () => (sessionOf(node, from)?.number ?? 0n) > dead
  yield* alert.until(newer(alert, deaf))
  yield* deaf.until(newer(deaf, alert))

  const seen = alert.registry.recent(deaf.key)
  const end = seen.findIndex(({ from, to }) => from === "active" && to === "closed")
  assert.equal(seen[end]?.reason, "silent")
  const after = seen.slice(end)
  const told = deaf.registry.recent(alert.key).find(({ from, to }) => from === "active" && to === "closed")
  // Where only its own bytes vanish TCP tells it that the other side has closed.
  assert.ok(told?.reason === "replaced" || (lost === "of the deaf" && told?.reason === "closed"), told?.reason)
  assert.equal(sessionOf(alert, deaf)?.number, sessionOf(deaf, alert)?.number)
  assert.deepEqual([alert.peers().size, deaf.peers().size], [1, 1])
  const figures: Figures = {
    dials: after.filter(({ direction, to }) => direction === "outbound" && to === "opening").length,
    replaced: (after.find(({ to }) => to === "active")?.at ?? Number.NaN) - (seen[end]?.at ?? 0)
  }
  return figures
}, Effect.scoped)
