/**
 * Several processes for one node, as `holdfast start` on one PostgreSQL database: one owns the node, one stands by. The
 * owner is killed, or frozen and continued, while applications on both sides send all the time.
 */
import { assert, describe, it } from "@effect/vitest"
import { server } from "../support/FreshDatabase.ts"
import { freePort } from "../support/FreePort.ts"
import { createDatabase } from "../support/PostgresServer.ts"
import { faults, Site } from "../support/standby/Site.ts"
import { temporaryFolder } from "../programs/HoldfastProcess.ts"

/** Two sites that send to each other; `a` has a stand-by. */
const withSites = async (
  lease: string,
  test: (a: Site, b: Site, owner: Awaited<ReturnType<Site["own"]>>) => Promise<void>
): Promise<void> => {
  const { path, remove } = await temporaryFolder()
  const { url } = await server()
  const place = ["--listen", `127.0.0.1:${await freePort()}`, "--lease", lease]
  const a = new Site("a", path, await createDatabase(url), place)
  const b = new Site("b", path, await createDatabase(url), ["--listen", "127.0.0.1:0"])
  try {
    const owner = await a.own()
    const { node } = await b.own(["--connect", owner.address])
    await Promise.all([a.send(node), b.send(owner.node)])
    await Promise.all([b.received(a.next), a.received(b.next)])
    await test(a, b, owner)
    await Promise.all([a.quiet(), b.quiet()])
    assert.deepStrictEqual([...(await faults(a, b)), ...(await faults(b, a))], [])
    console.log(`sent by a: ${a.sent.length}, by b: ${b.sent.length}; lost: 0, doubled: 0`)
  } finally {
    await Promise.all([a.discard(), b.discard()])
    await remove()
  }
}

/** What `a` does until its next owner delivers, in milliseconds from `end` on: owned, first message sent, and received. */
const takeOver = async (a: Site, end: () => unknown) => {
  const term = await a.term()
  const since = Date.now()
  end()
  const { owned, received, sent } = await a.takenOver(term)
  return { owned: owned - since, sent: sent - since, received: received - since }
}

/** Until notes that are sent from now on have been delivered both ways. */
const flows = (a: Site, b: Site) => Promise.all([b.received(a.next), a.received(b.next)])

describe("a node with a stand-by", { timeout: 600_000 }, () => {
  it("goes on in the stand-by when its owner is killed, and neither loses nor repeats anything", () =>
    withSites("5m", async (a, b, first) => {
      let owner = first.process
      for (let round = 1; round <= 3; round++) {
        const standby = await a.standBy()
        const millis = await takeOver(a, () => owner.signal("SIGKILL"))
        console.log(`owner killed, round ${round} (ms):`, JSON.stringify(millis))
        // The lease of the one that is killed goes on for minutes.
        for (const time of Object.values(millis)) assert.isBelow(time, 60_000)
        await flows(a, b)
        owner = standby
      }
    }))

  it("goes on in the stand-by when its owner is frozen, which stands by when it is continued", () =>
    withSites("3s", async (a, b, first) => {
      const second = await a.standBy()
      const millis = await takeOver(a, () => first.process.signal("SIGSTOP"))
      console.log("owner frozen, lease 3 s (ms):", JSON.stringify(millis))
      const term = await a.term()
      first.process.signal("SIGCONT")
      await first.process.said("no longer owns")
      await first.process.said("Standing by")
      await flows(a, b)
      assert.strictEqual(await a.term(), term)
      // The other way round, without a kill: who ends in good order gives the node up.
      const stopped = await takeOver(a, () => second.signal("SIGTERM"))
      console.log("owner stopped (ms):", JSON.stringify(stopped))
      assert.strictEqual((await second.ended).code, 0)
      await flows(a, b)
    }))
})
