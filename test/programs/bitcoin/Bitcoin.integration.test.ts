/**
 * `holdfast bitcoin` as processes, against nodes of this project that listen on loopback with a regtest chain.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, onTestFinished } from "vitest"
import * as Headers from "../../../src/protocol/bitcoin/Headers.ts"
import { Service } from "../../../src/protocol/bitcoin/Version.ts"
import { RegtestChain } from "../../../src/testing/bitcoin/RegtestChain.ts"
import * as Miner from "../../support/BitcoinMiner.ts"
import { type Impostor, impostor, serve, type Server } from "../../support/BitcoinServer.ts"
import { networkNamed } from "../../support/BitcoinVectors.ts"
import { freePort } from "../../support/FreePort.ts"
import { type End, holdfast, HoldfastProcess, temporaryFolder, withDatabase } from "../HoldfastProcess.ts"

const net = networkNamed("bsv-regtest")
const headers = Miner.chain(net.first, 4_100, { network: net })
const tip = headers.at(-1)!

const folder = await temporaryFolder()
let node: Server
let second: Server
let garbage: Impostor
let mute: Impostor

beforeAll(async () => {
  node = await serve(headers, { services: Service.network | Service.bloom, agent: "/Holdfast test:1/" })
  second = await serve(headers.slice(0, 10))
  garbage = await impostor(new Uint8Array(500).fill(0x5a))
  mute = await impostor(new Uint8Array(0))
})

afterAll(async () => {
  await Promise.all([node, second, garbage, mute].map(({ stop }) => stop()))
  await folder.remove()
})

/** The words of a command on regtest. */
const words = (command: string, ...more: ReadonlyArray<string>): ReadonlyArray<string> => [
  "bitcoin",
  command,
  "--network",
  "bsv-regtest",
  ...more
]
const bitcoin = (command: string, ...more: ReadonlyArray<string>) => holdfast(words(command, ...more))

/** A command that ends with its test at the latest. */
const running = (...args: ReadonlyArray<string>): HoldfastProcess => {
  const process = new HoldfastProcess(args)
  onTestFinished(async () => void (await process.stop()))
  return process
}

const Line = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
/** The lines of what was printed with --json. */
const lines = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Schema.decodeSync(Line)(line))

const succeeding = async (end: Promise<End>): Promise<string> => {
  const { code, stderr, stdout } = await end
  assert.strictEqual(code, 0, stderr)
  return stdout
}
const failing = async (end: Promise<End>, code: number, ...parts: ReadonlyArray<string>): Promise<End> => {
  const ended = await end
  assert.strictEqual(ended.code, code, ended.stderr)
  for (const part of parts) assert.include(ended.stderr, part)
  assert.notMatch(ended.stderr, /^\s+at /m)
  return ended
}

describe("holdfast bitcoin ping", () => {
  it("shows what a node says of itself and each round trip, one JSON object a line", async () => {
    const out = lines(
      await succeeding(bitcoin("ping", "--connect", node.at, "--count", "4", "--interval", "20ms", "--json"))
    )
    assert.deepStrictEqual(out[0], {
      _tag: "Peer",
      remote: node.at,
      agent: "/Holdfast test:1/",
      version: 70_016,
      services: "0x5",
      height: 4_100
    })
    const pongs = out.slice(1, -1)
    assert.deepStrictEqual(
      pongs.map(({ _tag, number }) => [_tag, number]),
      [1, 2, 3, 4].map((number) => ["Pong", number])
    )
    const trips = pongs.map(({ millis }) => Number(millis))
    assert.deepInclude(out.at(-1), {
      _tag: "Summary",
      sent: 4,
      answered: 4,
      minMillis: Math.min(...trips),
      maxMillis: Math.max(...trips)
    })
    assert.isTrue(trips.every((millis) => millis > 0 && millis < 10_000))
  })

  it("pings each node that is named, and fails for the one that is not there", async () => {
    const port = await freePort()
    const named = [node.at, second.at, `127.0.0.1:${port}`].flatMap((at) => ["--connect", at])
    const { stdout } = await failing(bitcoin("ping", ...named, "--count", "1"), 3, `127.0.0.1:${port}`, "refused")
    for (const { at } of [node, second]) assert.include(stdout, `${at} answered 1 of 1`)
  })

  it("says so when a node is of another network, is none, or says nothing", async () => {
    const other = ["bitcoin", "ping", "--network", "btc-regtest", "--connect", node.at, "--json"]
    const { stdout } = await failing(holdfast(other), 3, "another network", '"exitCode":3')
    assert.strictEqual(stdout, "")
    await failing(bitcoin("ping", "--connect", garbage.at), 4, garbage.at, "magic", "--network")
    await failing(bitcoin("ping", "--connect", mute.at, "--timeout", "300ms"), 3, mute.at, "300 ms")
  })

  it("sums up what it has when it is interrupted", async () => {
    const process = running(...words("ping", "--connect", node.at, "--interval", "1h"))
    await process.line("ping 1:")
    process.signal("SIGINT")
    const { code, stdout } = await process.ended
    assert.strictEqual(code, 130)
    assert.match(stdout, /answered 1 of 1: min .*\n$/)
  })
})

describe("holdfast bitcoin headers", () => {
  it("fetches all, prints the tip, keeps them, and goes on from there in the next run", async () => {
    const kept = ["--data", join(folder.path, "kept")]
    const first = await bitcoin("headers", "--connect", node.at, "--json", ...kept)
    const expected = { _tag: "Tip", network: "bsv-regtest", height: 4_100, id: tip.id, time: tip.time }
    assert.strictEqual(first.code, 0, first.stderr)
    assert.deepStrictEqual(lines(first.stdout), [expected])
    assert.deepInclude(lines(first.stderr)[0], { _tag: "Progress", height: 0 })

    const again = await bitcoin("headers", "--connect", node.at, ...kept)
    assert.strictEqual(again.code, 0, again.stderr)
    assert.match(again.stderr, /^headers 4100/)
    assert.include(again.stdout, tip.id)

    const some = lines(await succeeding(bitcoin("headers", "--from", "0", "--count", "2", "--json", ...kept)))
    assert.deepStrictEqual(
      some.map(({ height, id }) => [height, id]),
      [
        [0, net.genesis],
        [1, headers[0]!.id]
      ]
    )
    const all = await succeeding(bitcoin("headers", "--from", "100", "--count", "9000", ...kept))
    assert.lengthOf(all.trimEnd().split("\n"), 4_001)
    await failing(bitcoin("headers", "--from", "4101", ...kept), 4, "height 4101", "holdfast bitcoin headers --network")

    const known = lines(await succeeding(bitcoin("peers", "--connect", node.at, "--json", ...kept)))
    assert.deepInclude(known[0], { _tag: "Connection", remote: node.at, direction: "outbound", state: "Connected" })
    assert.deepInclude(known[0], { agent: "/Holdfast test:1/", version: 70_016, height: 4_100 })
    assert.isAbove(Number(known[0]?.["rttMillis"]), 0)
    assert.isAbove(Number(known[0]?.["bytesIn"]), 100)
    assert.deepInclude(known[1], { _tag: "KnownCounts", Valid: 1 })
    assert.deepInclude(known[2], { _tag: "Known", remote: node.at, status: "Valid" })
  })

  it("follows, prints each new tip, and ends well with a signal", async () => {
    const short = await serve(headers.slice(0, 50))
    const process = running(...words("headers", "--connect", short.at, "--follow", "--json"))
    assert.deepInclude(lines(await process.line('"Tip"'))[0], { height: 50 })
    await short.say("headers", Headers.headers.encode(headers.slice(50, 52)))
    assert.deepInclude(lines(await process.line('"Tip"'))[0], { height: 52, id: headers[51]!.id })
    process.signal("SIGTERM")
    const { code, stdout } = await process.ended
    assert.strictEqual(code, 0)
    assert.lengthOf(lines(stdout), 2)
    await short.stop()
  })

  it("gives up where nobody answers, at once, and where nobody gives what is named, in time", async () => {
    const port = await freePort()
    await failing(bitcoin("headers", "--connect", `127.0.0.1:${port}`), 3, "refused", "--connect host:port")
    await failing(bitcoin("headers", "--connect", garbage.at), 4, "magic")
    const silent = await serve([], { headers: false })
    const waiting = bitcoin("headers", "--connect", silent.at, "--timeout", "300ms")
    await failing(waiting, 3, "no peer has given headers above height 0", "--timeout")
    await silent.stop()
  })

  it("ends with 130 when it is interrupted before it is done", async () => {
    const process = running(...words("headers", "--connect", mute.at))
    await process.said("connecting")
    process.signal("SIGINT")
    assert.strictEqual((await process.ended).code, 130)
  })
})

describe("holdfast bitcoin sync", () => {
  const chain = RegtestChain.make({ blocks: 300, seed: 1 })
  const all = chain.blocks.slice(1).map(({ header }) => header)
  const source = () => serve(all, { services: Service.network, blocks: (id) => Effect.succeed(chain.find(id)) })

  it("fetches all, keeps them, goes on in the next run, and gives them to another", async () => {
    const kept = ["--data", await withDatabase(join(folder.path, "synced"))]
    const giver = await source()
    const { header } = chain.tip
    const expected = { _tag: "Tip", network: "bsv-regtest", height: 300, id: header.id, time: header.time }
    const first = await bitcoin("sync", "--connect", giver.at, "--json", ...kept)
    assert.strictEqual(first.code, 0, first.stderr)
    assert.deepStrictEqual(lines(first.stdout), [expected])
    assert.deepInclude(lines(first.stderr)[0], { _tag: "Progress", height: 0 })

    const port = await freePort()
    const at = `127.0.0.1:${port}`
    const process = running(...words("sync", "--connect", giver.at, "--listen", at, "--follow", "--json", ...kept))
    assert.deepInclude(lines(await process.line('"Tip"'))[0], expected)
    assert.deepStrictEqual(lines(await succeeding(bitcoin("sync", "--connect", at, "--json"))), [expected])
    process.signal("SIGINT")
    assert.strictEqual((await process.ended).code, 0)
    await giver.stop()
  })

  it("gives up where nobody gives blocks", async () => {
    const waiting = bitcoin("sync", "--connect", node.at, "--timeout", "1s")
    await failing(waiting, 3, "no peer has given blocks above height 0", "--timeout")
  })
})

describe("holdfast bitcoin peers", () => {
  it("shows those that are there, and why others are not", async () => {
    const port = await freePort()
    const named = [node.at, second.at, garbage.at, `127.0.0.1:${port}`].flatMap((at) => ["--connect", at])
    const out = await succeeding(bitcoin("peers", ...named))
    assert.match(out, /^REMOTE +DIRECTION +STATE +AGENT/)
    assert.match(out, new RegExp(`^${node.at} +outbound +Connected +/Holdfast test:1/ +70016 +4100 +[\\d.]+ms`, "m"))
    assert.match(out, new RegExp(`^${second.at} +outbound +Connected`, "m"))
    assert.match(out, new RegExp(`^.*127.0.0.1:${port}.*refused$`, "m"))
    assert.match(out, new RegExp(`^${garbage.at}: .*magic`, "m"))
  })

  it("takes a peer file over, all of it or nothing, and connects to nobody", async () => {
    const [good, bad] = ["good", "bad"].map((name) => join(folder.path, `${name}.json`))
    const entry = { ip_address: "10.1.2.3", port: 8_333, status: "Valid", status_timestamp: 1_700_000_000 }
    await writeFile(good!, JSON.stringify([entry]))
    await writeFile(
      bad!,
      JSON.stringify([
        { ...entry, port: 1 },
        { ...entry, port: 0 }
      ])
    )
    const data = await withDatabase(join(folder.path, "imported"))
    const take = (file: string) => bitcoin("peers", "--data", data, "--json", "--import", file)
    const { stderr } = await failing(take(bad!), 2, "entry 2 of the peer file")
    assert.lengthOf(lines(stderr), 1)
    assert.deepStrictEqual(lines(await succeeding(take(good!))), [
      { _tag: "Imported", fresh: 1, changed: 0, left: 0 },
      { _tag: "KnownCounts", Valid: 1, Unknown: 0, Inaccessible: 0, Banned: 0 },
      { _tag: "Known", remote: "10.1.2.3:8333", status: "Valid", since: 1_700_000_000_000 }
    ])
    await failing(take(join(folder.path, "none.json")), 2, "none.json", "--import")
  })

  it("fails where it reaches nobody", async () => {
    const { stdout } = await failing(bitcoin("peers", "--connect", mute.at, "--timeout", "300ms"), 3, "no node of")
    assert.include(stdout, mute.at)
  })
})

describe("holdfast bitcoin watch", () => {
  it("prints what happens, lets others in, and ends well with a signal", async () => {
    const at = `127.0.0.1:${await freePort()}`
    const watching = running(...words("watch", "--connect", second.at, "--listen", at, "--json"))
    const tipLine = lines(await watching.line('"Tip"'))[0]
    assert.deepInclude(tipLine, { height: 10, id: headers[9]!.id })
    assert.isAbove(Number(tipLine?.["at"]), 1_700_000_000_000)
    const out = await succeeding(bitcoin("headers", "--connect", at))
    assert.include(out, headers[9]!.id)
    await watching.line('"kind":"Inbound"')
    watching.signal("SIGINT")
    const { code, stdout } = await watching.ended
    assert.strictEqual(code, 0)
    assert.isTrue(lines(stdout).some(({ _tag, to }) => _tag === "Changed" && to === "Connected"))
  })

  it("tells metrics of its peers to whoever asks for them, and nothing else", async () => {
    const at = `127.0.0.1:${await freePort()}`
    const watching = running(...words("watch", "--connect", node.at, "--metrics", at))
    await watching.line(`${node.at} is connected`)
    const answer = await fetch(`http://${at}/metrics`)
    const told = (await answer.text()).split("\n")
    assert.include(told, "holdfast_bitcoin_peers 1")
    assert.include(told, 'holdfast_bitcoin_dials_total{result="connected"} 1')
    assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/)
    assert.strictEqual((await fetch(`http://${at}/`)).status, 404)
    await failing(bitcoin("watch", "--connect", node.at, "--metrics", at), 5, at, "--metrics")
    await watching.stop()
  })

  it("prints sentences without a terminal", async () => {
    const watching = running(...words("watch", "--connect", node.at))
    await watching.line(`${node.at} is connected`)
    const { stdout } = await watching.stop()
    assert.match(stdout, new RegExp(`^\\d\\d:\\d\\d:\\d\\dZ {2}${node.at} is connected$`, "m"))
    assert.notInclude(stdout, "\u001b")
  })

  it("ends well after as long as it may", async () => {
    await succeeding(bitcoin("watch", "--connect", node.at, "--timeout", "300ms"))
  })
})
