/**
 * The program as its users run it: processes on data folders of their own with the embedded database.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { once } from "node:events"
import { readFile, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { EventView, OwedPage, PeerView } from "../../src/programs/http/Models.ts"
import { InboxNote } from "../../src/programs/NoteProtocol.ts"
import { keys, settings } from "../../src/programs/Settings.ts"
import { Transition } from "../../src/services/link/Transition.ts"
import { holdfast, HoldfastProcess, type ReadyNode, startNode, temporaryFolder } from "./HoldfastProcess.ts"

const folder = await temporaryFolder()
const at = (name: string): string => join(folder.path, name)
const running: Array<HoldfastProcess> = []

const launch = (...args: ReadonlyArray<string>): HoldfastProcess => {
  const launched = new HoldfastProcess(args)
  running.push(launched)
  return launched
}

const start = async (name: string, listen: string, ...args: ReadonlyArray<string>): Promise<ReadyNode> => {
  const node = await startNode(at(name), ["--listen", listen, ...args])
  running.push(node.process)
  return node
}

let alice: ReadyNode
let bob: ReadyNode

/** Runs a command that must succeed, and returns what it printed. */
const succeeding = async (node: ReadyNode, ...args: ReadonlyArray<string>): Promise<string> => {
  const end = await holdfast([...args, "--data", node.data])
  assert.strictEqual(end.code, 0, end.stderr)
  return end.stdout
}

/** What is printed with --json, by the schemas of the API. */
const Json = <A, I>(schema: Schema.Codec<A, I>) =>
  Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(schema)))
const peersIn = Json(Schema.Array(PeerView))
const transitionsIn = Json(Schema.Array(Transition))
const notesIn = Json(Schema.Array(InboxNote))
const owedIn = Json(OwedPage)
const eventIn = Json(EventView)

const send = (text: string) => succeeding(bob, "send", alice.node, text)
const positionOf = ({ cursor }: { readonly cursor: string }): bigint => BigInt(cursor.slice(37))
const anywhere = "127.0.0.1:0"

beforeAll(async () => {
  alice = await start("alice", anywhere)
  bob = await start("bob", anywhere, "--connect", alice.address)
})

afterAll(async () => {
  await Promise.all(running.map((process) => process.stop()))
  await folder.remove()
})

describe("two nodes", () => {
  it("answer `peers --json` as soon as they say that they are ready", async () => {
    assert.isArray(peersIn(await succeeding(alice, "peers", "--json")))
  })

  it("connect, and deliver what is sent by the beginning of a key, once", async () => {
    const inbox = launch("inbox", "--follow", "--json", "--data", alice.data)
    await succeeding(bob, "send", alice.node.slice(0, 8), "are you there?")
    assert.include(await inbox.line("are you there?"), bob.node)
    assert.strictEqual((await inbox.stop()).code, 0)
    const notes = notesIn(await succeeding(alice, "inbox", "--json"))
    assert.deepStrictEqual(
      notes.map(({ peer, text }) => [peer, text]),
      [[bob.node, "are you there?"]]
    )
    const [peer] = peersIn(await succeeding(bob, "peers", "--json"))
    assert.deepInclude(peer, { key: alice.node, state: "connected", wanted: true })
    assert.strictEqual(peer?.session?.direction, "outbound")
    assert.isAbove(peer?.session?.bytesIn ?? 0, 0)
    assert.isAbove(peer?.session?.bytesOut ?? 0, 0)
    assert.isAbove(peer?.session?.rttMillis ?? 0, 0)
    assert.strictEqual(peer?.session?.pingSuccess, 1)
    assert.strictEqual(peer?.session?.queuedBytes, 0)
    const transitions = transitionsIn(
      await succeeding(bob, "peers", "--transitions", alice.node.slice(0, 12), "--json")
    )
    assert.deepStrictEqual(
      transitions.slice(-3).map(({ to }) => to),
      ["opening", "candidate", "active"]
    )
  })

  it("show people tables and states", async () => {
    const peers = await holdfast(["peers", "--data", bob.data])
    assert.match(peers.stdout, /^PEER +STATE +WHERE +DIRECTION +RTT +IN +OUT +QUEUE +OWED +RECEIVED/)
    const row = new RegExp(
      `^${alice.node.slice(0, 8)}  connected [\\dmsh ]+ +127[.\\d:]+ +outbound +[\\d.]+ms +\\d+ / [\\d.]+(Ki)?B +\\d+ / [\\d.]+(Ki)?B +\\d+B +0 +0 +session 1`,
      "m"
    )
    assert.match(peers.stdout, row)
    const status = await holdfast(["status", "--data", alice.data])
    assert.match(status.stdout, /^Status +ok$/m)
    assert.include(status.stdout, alice.address)
    assert.include((await holdfast(["outbox", "--data", bob.data])).stdout, "Nothing is owed")
  })

  it("show their peers again and again to who watches", async () => {
    const watching = launch("peers", "--watch", "--json", "--data", bob.data)
    const [first] = peersIn(await watching.line(alice.node))
    const [second] = peersIn(await watching.line(alice.node))
    assert.strictEqual(second?.session?.number, first?.session?.number)
    assert.isAtLeast(second?.session?.framesIn ?? 0, first?.session?.framesIn ?? 1)
    assert.strictEqual((await watching.stop()).code, 0)
  })

  it("follow events from a cursor, over the end of the reader and a restart of the node, each event once", async () => {
    const first = launch("events", "--follow", "--json", "--data", alice.data)
    const { cursor } = eventIn(await first.line("are you there?"))
    assert.strictEqual((await first.stop()).code, 0)

    await send("two")
    const second = launch("events", "--follow", "--json", "--after", cursor, "--data", alice.data)
    const two = eventIn(await second.line(""))
    assert.deepInclude(two, { kind: "note.received", protocol: "note" })
    assert.strictEqual(positionOf(two), positionOf({ cursor }) + 1n)

    const before = process.hrtime.bigint()
    const { code } = await alice.process.stop()
    assert.strictEqual(code, 0)
    // It promises five seconds, which `test/integration/Shutdown` measures; here only what no busy machine reaches.
    assert.isBelow(Number((process.hrtime.bigint() - before) / 1_000_000n), 30_000)
    await send("three")
    const [owed] = owedIn(await succeeding(bob, "outbox", "--json")).items
    assert.deepInclude(owed, { peer: alice.node, protocol: "note" })
    assert.include(owed?.why, "not connected")

    alice = await start("alice", alice.address.replace(/^.*@/, ""))
    const three = eventIn(await second.line("three"))
    assert.strictEqual(positionOf(three), positionOf(two) + 1n)
    assert.strictEqual((await second.stop()).code, 0)
  })

  it("keep secrets to their owner", async () => {
    for (const name of ["identity.json", "api.token", "api.json"])
      assert.strictEqual((await stat(join(alice.data, name))).mode & 0o077, 0, name)
  })
})

describe("a command that cannot do what it is told says why, with an exit code of its own", () => {
  const failing = async (code: number, args: ReadonlyArray<string>, parts: ReadonlyArray<string>, env = {}) => {
    const end = await holdfast(args, env)
    assert.strictEqual(end.code, code, end.stderr)
    assert.strictEqual(end.stdout, "")
    const lines = end.stderr.split("\n").filter((line) => line.startsWith("holdfast: "))
    assert.lengthOf(lines, 1, end.stderr)
    for (const part of parts) assert.include(lines[0], part)
    assert.notMatch(end.stderr, /^\s+at /m)
  }

  it("no node runs there", () =>
    failing(3, ["peers", "--data", at("empty")], ["No node runs", "holdfast start --data"]))

  it("the node was killed and left its traces", async () => {
    await writeFile(at("api.json"), JSON.stringify({ url: "http://127.0.0.1:1", node: alice.node, pid: 1 }))
    await writeFile(at("api.token"), "x\n")
    await failing(3, ["status", "--data", folder.path], ["No node runs"])
  })

  it("the token is not the node's", async () => {
    const { api } = alice
    await writeFile(at("api.token"), `${"x".repeat(43)}\n`)
    await writeFile(at("api.json"), JSON.stringify({ url: api, node: alice.node, pid: 1 }))
    await failing(4, ["status", "--data", folder.path], ["token"])
  })

  it("the data folder belongs to a node that runs, which is named by its process", () =>
    failing(6, ["start", "--data", alice.data], [alice.data, `process ${alice.process.pid}`, "--data <folder>"]))

  it("the data folder cannot be made", () =>
    failing(6, ["start", "--data", join(alice.data, "identity.json", "x")], ["identity.json", "--data <folder>"]))

  it("the database cannot be reached, and no password is shown", async () => {
    const server = createServer()
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const place = server.address()
    server.close()
    await once(server, "close")
    const port = typeof place === "object" && place !== null ? place.port : 1
    const url = `postgres://me:hidden@127.0.0.1:${port}/x`
    await failing(7, ["start", "--data", at("pg")], [`port ${port}`, "Start PostgreSQL"], { DATABASE_URL: url })
    const { stderr } = await holdfast(["start", "--data", at("pg"), "--database-url", url])
    assert.notInclude(stderr, "hidden")
  })

  it("a setting is out of range, or misspelt", async () => {
    const config = at("config.json")
    await writeFile(config, '{ "dialTimeot": "1s" }')
    await Promise.all([
      failing(2, ["start", "--data", at("x"), "--dial-timeout", "1ms"], ["--dial-timeout", '"1ms"', "100ms"]),
      failing(2, ["start", "--data", at("x"), "--hartbeat", "fast"], ["--hartbeat", "--heartbeat"]),
      failing(2, ["start", "--data", at("x")], ["HOLDFAST_HARTBEAT", "HOLDFAST_HEARTBEAT"], {
        HOLDFAST_HARTBEAT: "x"
      }),
      failing(2, ["start", "--data", at("x"), "--config", config], [config, "dialTimeot", "dialTimeout"])
    ])
  })

  it("a command or an address is misspelt", async () => {
    await Promise.all([
      failing(2, ["strat"], ["strat", "start"]),
      failing(2, ["connect", "holdfast://x"], ["64 hex digits"])
    ])
  })

  it("the peer is not known, or is the node itself", async () => {
    await Promise.all([
      failing(2, ["send", "0000", "hello", "--data", alice.data], ['"0000"', "holdfast peers"]),
      failing(4, ["send", alice.node, "hello", "--data", alice.data], ["this node itself"]),
      failing(4, ["connect", alice.address, "--data", alice.data], ["this node itself"]),
      failing(4, ["disconnect", "0".repeat(64), "--data", alice.data], ["is not a peer"]),
      failing(4, ["outbox", "drop", "00000000-0000-7000-8000-000000000000", "--data", alice.data], ["no message"])
    ])
  })

  it("with --json, as JSON", async () => {
    const { code, stderr } = await holdfast(["peers", "--json", "--data", at("empty")])
    assert.strictEqual(code, 3)
    assert.deepInclude(JSON.parse(stderr), { error: "NoNode", exitCode: 3 })
  })

  it("the port is taken, the identity can be read by others, or the database is another node's", async () => {
    await bob.process.stop()
    const [, place = ""] = alice.address.split("@")
    await failing(5, ["start", "--data", bob.data, "--listen", place, "--log-level", "error"], [place, "another port"])
    const api = alice.api.replace("http://", "")
    const free = ["--listen", "127.0.0.1:0", "--log-level", "error"]
    await failing(5, ["start", "--data", bob.data, ...free, "--api", api], [api, "--api"])
    await writeFile(join(bob.data, "identity.json"), await readFile(join(alice.data, "identity.json")), { mode: 0o600 })
    await failing(7, ["start", "--data", bob.data, ...free], [bob.node.slice(0, 8), alice.node.slice(0, 8)])
  })
})

describe("the program", () => {
  it("lists every setting in its help, and completes commands", async () => {
    const { code, stdout } = await holdfast(["start", "--help"])
    assert.strictEqual(code, 0)
    for (const key of keys) {
      assert.include(stdout, `--${settings[key].flag}`)
      for (const variable of settings[key].env) assert.include(stdout, variable)
    }
    assert.include((await holdfast(["completions", "bash"])).stdout, "outbox")
  })

  it("makes a folder and its settings, once", async () => {
    const args = ["init", "--data", at("made"), "--network", "here", "--json"]
    const made = await holdfast(args)
    assert.strictEqual(made.code, 0, made.stderr)
    assert.deepStrictEqual(JSON.parse(await readFile(join(at("made"), "holdfast.json"), "utf8")), { network: "here" })
    const again = await holdfast(args)
    assert.strictEqual(again.code, 2)
    assert.include(again.stderr, "exists already")
  })
})
