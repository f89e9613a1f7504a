import { assert, describe, it } from "@effect/vitest"
import { ActiveSites } from "../../../src/testing/cluster/ActiveSites.ts"
import { SimulatedBuggify } from "../../../src/testing/faults/SimulatedBuggify.ts"
import { Process } from "../../../src/testing/world/Process.ts"
import { fifo } from "../../../src/testing/world/Schedule.ts"
import { World } from "../../../src/testing/world/World.ts"

const site = "delivery.batch-of-one"
const world = new World({ seed: 1, schedule: fifo })
const lifeOf = (life: number) => new SimulatedBuggify(new Process(world, "a", life), { active: "none" })

const fires = (life: SimulatedBuggify): boolean => life.points.fires(site)

describe("a site that a fault has made active", () => {
  it("is so in the life that runs and in the next ones, until the fault is over", () => {
    const sites = new ActiveSites()
    const [first, second, third] = [lifeOf(1), lifeOf(2), lifeOf(3)]
    sites.begin(first)
    const undo = sites.activate(site, 1)
    assert.isTrue(fires(first))
    sites.end()
    sites.begin(second)
    assert.isTrue(fires(second))
    undo()
    assert.isFalse(fires(second))
    sites.end()
    sites.begin(third)
    assert.isFalse(fires(third))
  })

  it("begins and ends between two lives as well", () => {
    const sites = new ActiveSites()
    const undo = sites.activate(site, 1)
    const later = sites.activate("delivery.window-of-one", 1)
    undo()
    const life = lifeOf(4)
    sites.begin(life)
    assert.isFalse(fires(life))
    assert.isTrue(life.points.fires("delivery.window-of-one"))
    later()
    assert.isFalse(life.points.fires("delivery.window-of-one"))
  })

  it("stays active while another fault wants it so, whichever ends first", () => {
    for (const order of [
      [0, 1],
      [1, 0]
    ]) {
      const sites = new ActiveSites()
      const [life, next] = [lifeOf(5), lifeOf(6)]
      sites.begin(life)
      const undos = [sites.activate(site, 1), sites.activate(site, 1)]
      undos[order[0]!]!()
      assert.isTrue(fires(life))
      sites.end()
      sites.begin(next)
      assert.isTrue(fires(next))
      undos[order[1]!]!()
      assert.isFalse(fires(next))
    }
  })
})
