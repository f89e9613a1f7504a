/** What a host has of ports and connections, without programs. There are 16,384 ports that it dials from. */
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

const hosts = (backlog = exact.backlog) => {
  const world = new World({ seed: 1, schedule: fifo })
  const fabric = new Fabric(world, { ...exact, backlog })
  const [near, far] = ["a", "b"].map((name) => new Stack(world, fabric.names.host(name), undefined))
  const dial = (port: number) => new Attempt(fabric, near!, new Endpoint({ host: far!.host.address, port }))
  return { world, fabric, near: near!, far: far!, dial }
}

/** What is left of connections anywhere. */
const left = ({ fabric, far, near }: Pick<ReturnType<typeof hosts>, "fabric" | "near" | "far">) => {
  const [there, back] = [fabric.paths.get("a", "b"), fabric.paths.get("b", "a")]
  const pipes = there.pipes.size + back.pipes.size + there.heard.size + back.heard.size
  return { pipes, ends: near.ends.size + far.ends.size, open: near.host.open + far.host.open }
}

const nothing = { pipes: 0, ends: 0, open: 0 }

/** One after the other, each closed at both ends before the next. */
const dialInTurn = async (times: number) => {
  const all = hosts()
  const { dial, far, near, world } = all
  new Port(far, 4_000).takeAll((end) => end.close())
  const ports = new Set<number>()
  let toDo = times
  const next = (): void => {
    if (toDo-- > 0) dial(toDo % 2 === 0 ? 4_000 : 4_001).listen(closeIt)
  }
  const closeIt = (outcome: Outcome): void => {
    if (outcome instanceof End) {
      ports.add(outcome.local.port)
      outcome.close()
    } else assert.strictEqual(outcome, "refused")
    next()
  }
  next()
  await world.run(() => toDo < 0)
  await world.run(() => near.ends.size + far.ends.size === 0)
  return { ports, near, far, left: left(all) }
}

describe("the ports of a simulated host", () => {
  it("are used one after the other, and again once they are free", async () => {
    const { far, left, near, ports } = await dialInTurn(2 * all + 1_000)
    assert.strictEqual(ports.size, all / 2)
    assert.deepStrictEqual([near.sockets, far.sockets, left], [0, 1, nothing])
  })

  it("are dialled six times again at most, where nobody gives the dial up", async () => {
    const { dial, far, world } = hosts()
    far.host.dark = true
    const outcomes: Array<Outcome> = []
    dial(4_000).listen((outcome) => void outcomes.push(outcome))
    await world.run(() => false)
    assert.deepStrictEqual([outcomes, world.now], [["timed-out"], 63_000_000])
  })

  it("are not those that somebody listens at", () => {
    const { far, near } = hosts()
    new Port(near, 49_152)
    assert.deepStrictEqual([near.host.takePort(), far.host.takePort()], [49_153, 49_152])
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

describe("what is left of a simulated dial", () => {
  it("is nothing to come, once it has connected", async () => {
    const { dial, far, world } = hosts()
    new Port(far, 4_000)
    dial(4_000)
    await world.run(() => false)
    assert.deepStrictEqual([world.now, world.pending], [30_000, 0])
  })

  it("is nothing when the process has died meanwhile", async () => {
    const all = hosts()
    new Port(all.far, 4_000)
    all.dial(4_000)
    all.near.end("rst")
    await all.world.run(() => false)
    assert.deepStrictEqual([all.near.sockets, left(all)], [0, nothing])
  })
})

describe("what is left of a simulated connection", () => {
  /** A connection, and the world some seconds after what is done to it. */
  const after = async (what: (near: End, far: End, all: ReturnType<typeof hosts>) => void) => {
    const all = hosts()
    let far: End | undefined
    new Port(all.far, 4_000).takeAll((end) => void (far = end))
    let near: End | undefined
    all.dial(4_000).listen((outcome) => {
      if (outcome instanceof End) near = outcome
    })
    await all.world.run(() => far !== undefined)
    what(near!, far!, all)
    await all.world.run(() => false)
    return left(all)
  }

  it("is nothing once both sides have closed it", async () => {
    assert.deepStrictEqual(
      await after((near, far) => {
        near.out.write(new Uint8Array(10))
        near.close()
        far.close()
      }),
      nothing
    )
  })

  it("is nothing once both sides have closed it a while after the last word of one", async () => {
    assert.deepStrictEqual(
      await after((near, far, { world }) => {
        near.out.finish()
        world.at(1e6, () => {
          near.close()
          far.close()
        })
      }),
      nothing
    )
  })

  it("is the peer's alone once it has been closed for a second, with more to say than the peer takes", async () => {
    for (const die of [false, true]) {
      const left = await after((near, _, all) => {
        near.out.write(new Uint8Array(2 * exact.window))
        near.close()
        if (die) all.near.end("fin")
      })
      assert.deepStrictEqual(left, { pipes: 2, ends: 1, open: 1 })
    }
  })

  it("is nothing once a ghost has been reset", async () => {
    assert.deepStrictEqual(
      await after((near, far) => {
        near.deaf = true
        far.drop("rst")
      }),
      nothing
    )
  })

  it("is nothing once both sides have closed one that was silenced before, or after", async () => {
    const silence = ({ fabric }: ReturnType<typeof hosts>) => {
      for (const pipe of fabric.paths.pipes(() => true)) pipe.silence()
    }
    const close = (near: End, far: End) => {
      near.out.write(new Uint8Array(10))
      near.close()
      far.close()
    }
    for (const doIt of [
      (near: End, far: End, all: ReturnType<typeof hosts>) => {
        silence(all)
        close(near, far)
      },
      (near: End, far: End, all: ReturnType<typeof hosts>) => {
        close(near, far)
        silence(all)
      }
    ])
      assert.deepStrictEqual(await after(doIt), nothing)
  })

  for (const how of ["rst", "fin", "silence"] as const) {
    it(`is nothing once the process at one side has died (${how}) and the other has closed it`, async () => {
      assert.deepStrictEqual(
        await after((near, far, all) => {
          near.out.write(new Uint8Array(10))
          all.far.end(how)
          near.close()
          assert.isFalse(far.held)
        }),
        nothing
      )
    })
  }

  it("is nothing when the side that dialled has died as soon as it was connected", async () => {
    for (const how of ["rst", "fin"] as const) {
      const all = hosts()
      new Port(all.far, 4_000).takeAll((end) => end.close())
      all.dial(4_000).listen(() => all.near.end(how))
      await all.world.run(() => false)
      assert.deepStrictEqual(left(all), nothing)
    }
  })

  it("is nothing after a minute, if the side that dialled fell silent before it was heard of", async () => {
    const all = hosts()
    new Port(all.far, 4_000)
    all.dial(4_000).listen(() => all.near.end("silence"))
    await all.world.run(() => all.world.now >= 20_000)
    assert.strictEqual(left(all).ends, 1)
    await all.world.run(() => false)
    assert.deepStrictEqual([left(all), all.world.now], [nothing, 63_020_000])
  })

  it("is nothing once somebody else dials, if the side that dialled fell silent before it was heard of", async () => {
    const all = hosts(1)
    new Port(all.far, 4_000)
    all.dial(4_000).listen(() => all.near.end("silence"))
    await all.world.run(() => left(all).ends === 1)
    const other = new Stack(all.world, all.fabric.names.host("c"), undefined)
    new Attempt(all.fabric, other, new Endpoint({ host: all.far.host.address, port: 4_000 })).listen((outcome) => {
      if (outcome instanceof End) outcome.drop("rst")
      else assert.fail(outcome)
    })
    const stop = await all.world.run(() => false)
    assert.strictEqual(stop._tag, "Deadlock")
    assert.deepStrictEqual(left(all), nothing)
  })

  it("is nothing once something between them has reset it and they have closed it", async () => {
    assert.deepStrictEqual(
      await after((near, far, all) => {
        for (const pipe of all.fabric.paths.pipes(() => true)) pipe.sever("rst")
        all.world.at(1e6, () => {
          near.close()
          far.close()
        })
      }),
      nothing
    )
  })
})
