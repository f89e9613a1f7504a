/** The ports that connections are dialled from, without programs: there are 16,384 of them at each host. */
import { assert, describe, it } from "@effect/vitest"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { Attempt, type Outcome } from "../../../src/testing/network/Attempt.ts"
import { End } from "../../../src/testing/network/End.ts"
import { Fabric } from "../../../src/testing/network/Fabric.ts"
import { Port } from "../../../src/testing/network/Port.ts"
import { Stack } from "../../../src/testing/network/Stack.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"
import { World } from "../../../src/testing/world/World.ts"
import { exact } from "../../support/NetworkLab.ts"

const all = 65_536 - 49_152

const hosts = () => {
  const world = new World({ seed: 1, schedule: fifo })
  const fabric = new Fabric(world, exact)
  const [near, far] = ["a", "b"].map((name) => new Stack(world, fabric.names.host(name), undefined))
  const dial = (port: number) => new Attempt(fabric, near!, new Endpoint({ host: far!.host.address, port }))
  return { world, near: near!, far: far!, dial }
}

/** One after the other, each closed at both ends before the next. */
const dialInTurn = async (times: number) => {
  const { dial, far, near, world } = hosts()
  new Port(far, 4_000).takeAll((end) => end.close())
  const ports = new Set<number>()
  let left = times
  const next = (): void => {
    if (left-- > 0) dial(left % 2 === 0 ? 4_000 : 4_001).listen(closeIt)
  }
  const closeIt = (outcome: Outcome): void => {
    if (outcome instanceof End) {
      ports.add(outcome.local.port)
      outcome.close()
    } else assert.strictEqual(outcome, "refused")
    next()
  }
  next()
  await world.run(() => left < 0)
  await world.run(() => near.ends.size + far.ends.size === 0)
  return { ports, near, far }
}

describe("the ports of a simulated host", () => {
  it("are used one after the other, and again once they are free", async () => {
    const { far, near, ports } = await dialInTurn(2 * all + 1_000)
    assert.strictEqual(ports.size, all / 2)
    assert.deepStrictEqual([near.sockets, far.sockets, near.host.open, far.host.open], [0, 1, 0, 0])
  })

  it("come to an end: a dial that finds none goes nowhere", () => {
    const { dial, near } = hosts()
    const outcomes: Array<Outcome> = []
    for (let i = 0; i < all; i++) dial(4_000).listen((outcome) => void outcomes.push(outcome))
    assert.deepStrictEqual(outcomes, [])
    dial(4_000).listen((outcome) => void outcomes.push(outcome))
    assert.deepStrictEqual(outcomes, ["unreachable"])
    assert.strictEqual(near.sockets, all)
  })
})
