import { assert, describe, it } from "@effect/vitest"
import { Effect, Latch, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Beat from "../../../src/protocol/bitcoin/Beat.ts"
import * as MessageFrame from "../../../src/protocol/bitcoin/MessageFrame.ts"
import * as Reject from "../../../src/protocol/bitcoin/Reject.ts"
import * as Settings from "../../../src/protocol/bitcoin/Settings.ts"
import * as Version from "../../../src/protocol/bitcoin/Version.ts"
import * as Lab from "../../support/BitcoinPeerLab.ts"
import { bytesOf, networkNamed, sessions } from "../../support/BitcoinVectors.ts"

const commands = (messages: ReadonlyArray<MessageFrame.Message>) => messages.map(({ command }) => command)
const theirs = Version.version.encode(Lab.version)
const nonce = (n: bigint) => Beat.ping.encode(n)

const mebibyte = 1024 ** 2

/** The header of a message that is so long. */
const announced = (lab: Lab.Lab, command: string, length: number): Uint8Array => {
  const header = MessageFrame.encode(lab.network, command, new Uint8Array(0))
  new DataView(header.buffer, header.byteOffset).setUint32(16, length, true)
  return header
}

/** Whether a ping is answered. */
const lives = Effect.fnUntraced(function* (lab: Lab.Lab) {
  lab.said()
  yield* lab.says("ping", nonce(77n))
  const [pong] = lab.said()
  return pong?.command === "pong" && Result.getOrThrow(Beat.pong.decode(pong.body)) === 77n
})

describe("a Bitcoin peer", () => {
  describe("in the handshake", () => {
    it.effect("that has dialled is answered with version, verack and protoconf, and asked for headers in the end", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start()
        assert.deepStrictEqual(lab.said(), [])
        yield* lab.says("version", theirs)
        assert.deepStrictEqual(commands(lab.said()), ["version", "verack", "protoconf"])
        assert.isFalse(lab.peer.isConnected)
        yield* lab.says("verack")
        assert.deepStrictEqual(commands(lab.said()), ["ping", "sendheaders"])
        assert.isTrue(lab.peer.isConnected)
        assert.strictEqual(lab.connected(), 1)
        assert.deepStrictEqual(lab.peer.version, Lab.version)
      })
    )

    it.effect("that was dialled is told the version at once, and no protoconf where there is none", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start({ direction: "outbound", network: "btc-regtest" })
        const [said] = lab.said()
        assert.deepStrictEqual(Version.version.decode(said?.body ?? new Uint8Array(0)), Result.succeed(Lab.own))
        yield* lab.says("version", theirs)
        yield* lab.says("verack")
        assert.deepStrictEqual(commands(lab.said()), ["verack", "ping", "sendheaders"])
      })
    )

    it.effect("has the time-out of a handshake, however much it says", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start()
        yield* lab.says("version", theirs)
        yield* TestClock.adjust(9_999)
        assert.isFalse(lab.peer.connection.finishing)
        yield* TestClock.adjust(2)
        assert.isTrue(lab.peer.connection.finishing)
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, ["handshake"])
      })
    )

    it.effect("may go on for ever once it is over", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        yield* TestClock.adjust(20_000)
        assert.isTrue(lab.peer.isConnected)
      })
    )

    it.effect("is turned away in words behind it where there is no room", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start({ kind: "OverCapacity" })
        yield* lab.says("version", theirs)
        yield* lab.says("verack")
        const said = lab.said()
        assert.deepStrictEqual(commands(said), ["version", "verack", "protoconf", "reject"])
        const reject = Result.getOrThrow(Reject.reject.decode(said[3]!.body))
        assert.deepStrictEqual([reject.command, reject.code], ["version", Reject.Code.tooBusy])
        assert.isTrue(lab.ended())
        assert.strictEqual(lab.connected(), 0)
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, ["closed"])
      })
    )

    it.effect("that cannot be read is refused in words", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start()
        yield* lab.says("version", theirs.subarray(0, 50))
        assert.deepStrictEqual(commands(lab.said()), ["reject"])
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, ["unsuitable"])
      })
    )

    const refused = [
      ["agent", { agent: "/Bitcoin ABC:1/" }, []],
      ["self", { nonce: Lab.own.nonce }, []],
      ["unsuitable", { version: 209 }, ["reject"]]
    ] as const
    it.effect.each(refused)("ends for good: %s", ([ending, part, words]) =>
      Effect.gen(function* () {
        const lab = yield* Lab.start()
        yield* lab.says("version", Version.version.encode({ ...Lab.version, ...part }))
        assert.deepStrictEqual(commands(lab.said()), [...words])
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, [ending])
      })
    )

    it.effect("has nothing answered that comes before its end, and is charged for it", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start()
        yield* lab.says("ping", nonce(1n))
        yield* lab.says("something")
        assert.deepStrictEqual(lab.said(), [])
        assert.deepStrictEqual(lab.faults, ["before-handshake", "before-handshake"])
      })
    )

    it.effect("takes no block before its end, whatever is allowed after", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start()
        yield* lab.bytes(announced(lab, "block", 3 * mebibyte))
        assert.isTrue(lab.peer.connection.finishing)
        const later = yield* Lab.connected()
        yield* later.bytes(announced(later, "block", 3 * mebibyte))
        assert.isFalse(later.peer.connection.finishing)
      })
    )

    it.effect("is unwanted where the peer says so in words, which are told", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start({ direction: "outbound" })
        yield* lab.says("reject", Reject.reject.encode({ command: "version", code: 0x40, reason: "services" }))
        lab.fail("closed")
        yield* lab.settle
        assert.deepStrictEqual([lab.rejects.length, lab.ends], [1, ["unsuitable"]])
      })
    )

    it.effect("was never reached where the peer hangs up before it has said anything", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start({ direction: "outbound" })
        lab.fail("closed")
        yield* lab.settle
        assert.deepStrictEqual(lab.ends, ["unreachable"])
      })
    )

    it.effect("is given up where the peer hangs up after its version", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start()
        yield* lab.says("version", theirs)
        lab.fail("closed")
        yield* lab.settle
        assert.deepStrictEqual(lab.ends, ["handshake"])
      })
    )
  })

  for (const { frames, node } of sessions()) {
    it.effect(`says to this node what it said to another: ${node}`, () =>
      Effect.gen(function* () {
        const first = bytesOf(frames[0]!.frame)
        const network = node.includes("SV") || node.includes("bcash") ? "bsv-regtest" : "btc-regtest"
        assert.deepStrictEqual(first.subarray(0, 4), Uint8Array.from(networkNamed(network).magic))
        const lab = yield* Lab.start({ direction: "outbound", network })
        for (const { dir, frame } of frames) if (dir === "in") yield* lab.bytes(bytesOf(frame))
        assert.isTrue(lab.peer.isConnected)
        assert.deepStrictEqual(lab.faults, [])
        const pings = frames.filter(({ cmd, dir }) => dir === "in" && cmd === "ping").length
        assert.strictEqual(commands(lab.said()).filter((command) => command === "pong").length, pings)
        assert.isTrue(yield* lives(lab))
      })
    )
  }

  describe("after the handshake", () => {
    it.effect("has its messages handed on in their order, and each waited for", () =>
      Effect.gen(function* () {
        const gate = Latch.makeUnsafe(false)
        const lab = yield* Lab.connected({ received: () => gate.await })
        yield* lab.says("inv", new Uint8Array([0]))
        yield* lab.says("getaddr")
        assert.lengthOf(lab.received, 1)
        gate.openUnsafe()
        yield* lab.settle
        assert.deepStrictEqual(
          lab.received.map(({ body }) => body.length),
          [1, 0]
        )
      })
    )

    it.effect("is remembered for what it asks", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        assert.strictEqual(lab.peer.wishes.largestPayload, Settings.leastPayload)
        yield* lab.says("sendheaders")
        yield* lab.says("feefilter", Settings.feefilter.encode(1_000n))
        yield* lab.says("feefilter", Settings.feefilter.encode(-1n))
        yield* lab.says("sendcmpct", Settings.sendcmpct.encode({ announce: false, version: 1n }))
        yield* lab.says("sendcmpct", Settings.sendcmpct.encode({ announce: true, version: 2n }))
        yield* lab.says("protoconf", Settings.protoconf.encode({ largestPayload: 2_097_152 }))
        const { compact, fee, headers, largestPayload } = lab.peer.wishes
        assert.deepStrictEqual([headers, fee, largestPayload], [true, 1_000n, 2_097_152])
        assert.deepStrictEqual([...compact.keys()], [1n, 2n])
        assert.deepStrictEqual(lab.faults, [])
        assert.deepStrictEqual(lab.received, [])
      })
    )

    const skipped = ["alert", "authch", "something", "xversion"]
    it.effect.each(skipped)("may say what this node does not know or use: %s", (command) =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        yield* lab.says(command, new Uint8Array(40))
        assert.deepStrictEqual(lab.faults, [])
        assert.isTrue(yield* lives(lab))
      })
    )

    const small: ReadonlyArray<readonly [string, string, Uint8Array, number]> = [
      ["a ping without a nonce", "ping", new Uint8Array(7), 0],
      ["a pong without a nonce", "pong", new Uint8Array(3), 0],
      ["a feefilter that is cut off", "feefilter", new Uint8Array(4), 0],
      ["sendheaders again", "sendheaders", new Uint8Array(0), 1],
      ["a second version", "version", theirs, 1],
      ["a second version that cannot be read", "version", theirs.subarray(0, 50), 1]
    ]
    it.effect.each(small)("is forgiven, at a point or none: %s", ([, command, payload, points]) =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        yield* lab.says("sendheaders")
        yield* lab.says(command, payload)
        assert.strictEqual(lab.peer.score, points)
        assert.lengthOf(lab.faults, 1)
        assert.isTrue(yield* lives(lab))
      })
    )

    it.effect("loses a message with a wrong checksum and nothing else", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        const bad = MessageFrame.encode(lab.network, "inv", new Uint8Array([0]))
        bad[20]! ^= 1
        yield* lab.bytes(bad)
        assert.deepStrictEqual([lab.received.length, lab.peer.score], [0, 0])
        for (let times = 0; times < 101; times++) yield* lab.bytes(bad)
        assert.strictEqual(lab.peer.score, 1)
        assert.isTrue(yield* lives(lab))
      })
    )

    it.effect("is told nothing about what it rejects, and somebody hears of it", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        yield* lab.says("reject", Reject.reject.encode({ command: "tx", code: 0x42, reason: "fee" }))
        assert.deepStrictEqual(lab.rejects, [{ command: "tx", code: 0x42, reason: "fee" }])
        yield* lab.says("reject", new Uint8Array([200]))
        assert.deepStrictEqual(lab.said(), [])
        assert.deepStrictEqual(lab.faults, ["payload-malformed"])
      })
    )

    const fatal: ReadonlyArray<readonly [string, string, Uint8Array]> = [
      ["a second protoconf", "protoconf", Settings.protoconf.encode({ largestPayload: 2_097_152 })],
      ["a protoconf without fields", "protoconf", new Uint8Array([0])]
    ]
    it.effect.each(fatal)("is cut off for %s", ([name, command, payload]) =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        if (name.includes("second")) yield* lab.says(command, payload)
        yield* lab.says(command, payload)
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, ["unsuitable"])
      })
    )

    it.effect("is cut off at 100 points", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        for (let times = 0; times < 99; times++) {
          yield* lab.says("version", theirs)
          yield* TestClock.adjust(200)
        }
        assert.isTrue(lab.peer.isConnected)
        yield* lab.says("version", theirs)
        assert.isFalse(lab.peer.isConnected)
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, ["misbehaved"])
      })
    )

    it.effect("is of another network by its magic", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.start()
        yield* lab.bytes(MessageFrame.encode(networkNamed("btc-regtest"), "version", theirs))
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, ["network"])
      })
    )

    it.effect("is cut off by the header of what is too long, before any of it has come", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        yield* lab.bytes(announced(lab, "inv", 0xffff_ffff))
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, ["misbehaved"])
      })
    )

    it.effect("is no worse for a block that is larger than this node takes", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        yield* lab.bytes(announced(lab, "block", 33 * mebibyte))
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, ["unsuitable"])
      })
    )

    it.effect("is no worse for having been cut off in the midst of a message", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        yield* lab.bytes(announced(lab, "headers", 1_000))
        lab.fail("closed")
        yield* TestClock.adjust(2_000)
        assert.deepStrictEqual(lab.ends, ["lost"])
      })
    )

    it.effect("is no worse for saying much: what it says too often is held back", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        for (let times = 0; times < 300; times++) yield* lab.says("addr", new Uint8Array([0]))
        yield* TestClock.adjust(60_000)
        assert.notInclude(lab.ends, "misbehaved")
      })
    )

    it.effect("is not to blame for what fails here", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected({ received: () => Effect.die("a defect") })
        yield* lab.says("inv", new Uint8Array([0]))
        assert.deepStrictEqual(lab.ends, ["closed"])
      })
    )

    it.effect("is sent what it is sent, once the handshake is over", () =>
      Effect.gen(function* () {
        const early = yield* Lab.start()
        assert.isFalse(yield* early.peer.send("getaddr", new Uint8Array(0)))
        const lab = yield* Lab.connected()
        assert.isTrue(yield* lab.peer.send("inv", new Uint8Array([0])))
        yield* lab.settle
        assert.deepStrictEqual(
          lab.said().map(({ body, command, spoiled }) => [command, [...body], spoiled]),
          [["inv", [0], undefined]]
        )
      })
    )

    it.effect("is lost where the network fails, and silent where no pong comes", () =>
      Effect.gen(function* () {
        const lost = yield* Lab.connected()
        lost.fail("network")
        yield* lost.settle
        assert.deepStrictEqual(lost.ends, ["lost"])
        const silent = yield* Lab.connected()
        yield* TestClock.adjust(1_200_000)
        assert.deepStrictEqual(silent.ends, ["silent"])
      })
    )

    it.effect("may send one message in many pieces", () =>
      Effect.gen(function* () {
        const lab = yield* Lab.connected()
        for (const byte of MessageFrame.encode(lab.network, "ping", nonce(5n))) yield* lab.bytes(Uint8Array.of(byte))
        assert.deepStrictEqual(commands(lab.said()), ["pong"])
      })
    )
  })
})
