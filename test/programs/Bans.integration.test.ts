/**
 * `holdfast ban`, `unban` and `bans` as operators use them, on two nodes that are connected.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { BanView, Healthy } from "../../src/programs/http/Models.ts"
import { Transition } from "../../src/services/link/Transition.ts"
import { holdfast, HoldfastProcess, type ReadyNode, startNode, temporaryFolder } from "./HoldfastProcess.ts"

const folder = await temporaryFolder()
let alice: ReadyNode
let bob: ReadyNode

const Json = <A, I>(schema: Schema.Codec<A, I>) =>
  Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(schema)))
const bansIn = Json(Schema.Array(BanView))
const banIn = Json(BanView)
const healthIn = Json(Healthy)
const transitionIn = Json(Transition)
const transitionsIn = Json(Schema.Array(Transition))

/** Runs a command on alice's node. */
const run = (...args: ReadonlyArray<string>) => holdfast([...args, "--data", alice.data])
const succeeding = async (...args: ReadonlyArray<string>): Promise<string> => {
  const end = await run(...args)
  assert.strictEqual(end.code, 0, end.stderr)
  return end.stdout
}
const failing = async (code: number, args: ReadonlyArray<string>, ...parts: ReadonlyArray<string>) => {
  const end = await run(...args)
  assert.strictEqual(end.code, code, end.stderr)
  assert.strictEqual(end.stdout, "")
  for (const part of parts) assert.include(end.stderr, part)
  assert.notMatch(end.stderr, /^\s+at /m)
}

beforeAll(async () => {
  const start = (name: string, ...args: ReadonlyArray<string>) =>
    startNode(join(folder.path, name), ["--listen", "127.0.0.1:0", ...args])
  alice = await start("alice")
  const inbox = new HoldfastProcess(["inbox", "--follow", "--data", alice.data])
  bob = await start("bob", "--connect", alice.address)
  await holdfast(["send", alice.node, "we are connected", "--data", bob.data])
  await inbox.line("we are connected")
  await inbox.stop()
})

afterAll(async () => {
  await Promise.all([alice, bob].map(({ process }) => process.stop()))
  await folder.remove()
})

describe("an operator", () => {
  it("bans a peer by the beginning of its key, which ends its session, and lets it in again", async () => {
    const prefix = bob.node.slice(0, 8)
    const known = transitionsIn(await succeeding("peers", "--transitions", prefix, "--json"))
    const following = new HoldfastProcess(["peers", "--transitions", prefix, "--watch", "--json", "--data", alice.data])
    await following.line('"to":"active"')
    assert.strictEqual(healthIn(await succeeding("status", "--json")).sessions, 1)
    const ban = banIn(await succeeding("ban", prefix, "--for", "1h", "--reason", "no more", "--json"))
    assert.deepInclude(ban, { about: "peer", by: "operator", reason: "no more" })
    assert.strictEqual(String(ban.subject), bob.node)
    assert.strictEqual(ban.until! - ban.since, 3_600_000)
    const told = transitionsIn(await succeeding("peers", "--transitions", prefix, "--json"))
    const end = told.find(({ detail }) => detail === "banned: no more")
    assert.deepInclude(end, { from: "active", to: "closed", reason: "shutdown" })
    assert.deepStrictEqual(transitionIn(await following.line("banned: no more")), end)
    assert.strictEqual(healthIn(await succeeding("status", "--json")).sessions, 0)
    const shown = (await following.stop()).stdout.trim().split("\n")
    assert.strictEqual(new Set(shown).size, shown.length)
    assert.deepStrictEqual(
      shown.slice(0, known.length).map((line) => transitionIn(line)),
      known
    )
    assert.match(
      await succeeding("bans"),
      new RegExp(`^${prefix} +operator +\\d+(?:ms|s|m)\\b.* ago +in 5\\dm .* no more$`, "m")
    )
    assert.include(await succeeding("unban", prefix), `${prefix} may connect again`)
    assert.strictEqual(await succeeding("bans"), "Nobody is banned.\n")
  })

  it("bans an address until it is lifted, and of IPv6 its network", async () => {
    assert.include(await succeeding("ban", "2001:db8::5"), "until you lift it with: holdfast unban 2001:db8:0:0::/64")
    const [ban] = bansIn(await succeeding("bans", "--json"))
    assert.deepInclude(ban, { about: "host", reason: "an operator asked for it" })
    await succeeding("unban", "2001:db8:0:0::/64", "--json")
    await failing(4, ["unban", "2001:db8::5"], "2001:db8:0:0::/64 is not banned", "bans")
  })

  it("reads of commands and never of requests", async () => {
    const failed = [
      await run("ban", alice.node),
      await run("unban", "10.9.8.7"),
      await run("send", alice.node, "hello"),
      await run("disconnect", "0".repeat(64)),
      await run("outbox", "drop", "00000000-0000-7000-8000-000000000000"),
      await run("outbox", "retry", "00000000-0000-7000-8000-000000000000")
    ]
    for (const { code, stderr } of failed) {
      assert.strictEqual(code, 4, stderr)
      assert.notMatch(stderr, /GET|POST|DELETE|\/(peers|bans|outbox|messages)/)
      assert.match(stderr, /See: holdfast (peers|bans|outbox)$/m)
    }
  })

  it("hears what is wrong, with an exit code of its own", async () => {
    await failing(2, ["ban", "10.0.0.0/8"], '"10.0.0.0/8"', "IP", "/64")
    await failing(2, ["ban", "10.0.0.1", "--for", "5"], "--for", '"5"', "500ms")
    await failing(2, ["ban", "10.0.0.1", "--reason", "a\nb"], "--reason", "one line")
    await failing(4, ["ban", alice.node], "this node itself")
    await failing(4, ["unban", "0000"], '"0000"', "holdfast bans")
  })
})
