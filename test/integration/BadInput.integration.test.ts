/**
 * What a running node does with everything that a peer must not send, over real TCP: it lives, tells the peer, writes
 * one line that says who and why, goes on working with others, and loses nothing that was committed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { Address } from "../../src/protocol/Address.ts"
import * as DeliveryFrame from "../../src/protocol/delivery/DeliveryFrame.ts"
import * as Ban from "../../src/protocol/link/Ban.ts"
import * as Frame from "../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../src/protocol/link/LinkMessage.ts"
import * as NodeSecret from "../../src/protocol/NodeSecret.ts"
import type { EndReason } from "../../src/services/link/Ended.ts"
import type { HandshakeFailed } from "../../src/services/link/ChannelFailure.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import type { DialFailed } from "../../src/services/link/Transport.ts"
import * as HostilePeer from "../support/HostilePeer.ts"
import { arbiter, follower, keyOf } from "../support/LinkNode.ts"
import * as MemoryNode from "../support/MemoryNode.ts"
import * as RawPeer from "../support/RawPeer.ts"

const { Kind } = Frame
const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))
const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const fill = (length: number, byte = 0x5a): Uint8Array => new Uint8Array(length).fill(byte)

/** Times that a busy machine does not reach either, so that nobody is cut off for another reason than the test's. */
const patient = { handshakeTimeout: 120_000, lingerTimeout: 10_000, writeTimeout: 120_000 }
/** Times that are waited for. Who has to get through a handshake first has the longer one. */
const { rates } = LinkConfig.defaults
const soon = 500
const soonAfterHandshake = 3_000

interface Expected {
  readonly reason: EndReason
  readonly detail: string
  /** How the connection was before: a session is worth a line of its own. */
  readonly sessions?: number
}

type Attack = (
  node: MemoryNode.MemoryNode
) => Effect.Effect<void, DialFailed | HandshakeFailed | HostilePeer.FrameMissing, Scope.Scope>

/** What is logged about everybody but this friend. */
const aboutOthers = (node: MemoryNode.MemoryNode, friend: MemoryNode.MemoryNode): ReadonlyArray<MemoryNode.Line> =>
  node.log.filter(({ data }) => !String(data["peer"]).startsWith(friend.key.slice(0, 8)))

/** A well-behaved peer gets what was committed before, and the two go on talking. */
const stillWorks = Effect.fnUntraced(function* (node: MemoryNode.MemoryNode, friend: MemoryNode.MemoryNode) {
  yield* node.node.connect(friend.address)
  yield* friend.hears("committed before")
  yield* friend.say(node.key, "and back")
  yield* node.hears("and back")
  assert.deepStrictEqual(friend.received, ["committed before"])
  assert.deepStrictEqual(node.received, ["and back"])
})

const survives = (name: string, expected: Expected, attack: Attack, options: MemoryNode.Options = {}): void => {
  it.live(name, () =>
    Effect.gen(function* () {
      const node = yield* MemoryNode.start({
        seed: seed(arbiter),
        ...options,
        config: { ...patient, ...options.config }
      })
      const friend = yield* MemoryNode.start({ seed: seed(50) })
      yield* node.say(friend.key, "committed before")
      yield* attack(node)
      const line = yield* node.logs(({ message }) => message === "Connection closed")
      assert.strictEqual(line.data["reason"], expected.reason)
      assert.include(String(line.data["detail"]), expected.detail)
      assert.match(String(line.data["remote"]), /^127\.0\.0\.1:\d+$/)
      yield* stillWorks(node, friend)
      const about = aboutOthers(node, friend)
      assert.deepStrictEqual(
        about.flatMap(({ message }) => (message === "Banned" ? [] : [message])).sort(),
        [...Array<string>(expected.sessions ?? 0).fill("Session live"), "Connection closed"].sort()
      )
      assert.deepStrictEqual([...node.links.pending()], [])
    })
  )
}

/** The hostile peer of the node: with the higher key it is the follower, with the lower one the arbiter. */
const hostile = (node: MemoryNode.MemoryNode, as: number = follower, mangle?: (bytes: Uint8Array) => Uint8Array) =>
  HostilePeer.dial(node.transport, node.address.endpoint, {
    seed: seed(as),
    expected: node.key,
    ...(mangle === undefined ? {} : { mangle })
  })

const ours = HostilePeer.resuming
const ourStream = ours.sending.stream

/** A live session with the node, RESUME said and heard, by a peer that knows how to behave so far. */
const session = Effect.fnUntraced(function* (peer: HostilePeer.HostilePeer) {
  yield* peer.hello()
  yield* peer.take(Kind.Commit)
  yield* peer.send(Kind.Resume, DeliveryFrame.resume.encode(ours))
  const { body } = yield* peer.take(Kind.Resume)
  const theirs = DeliveryFrame.resume.decode(body)
  return theirs._tag === "Success" ? theirs.success : yield* Effect.die(theirs.failure)
})

const refused = Effect.fnUntraced(function* (
  peer: HostilePeer.HostilePeer,
  reason: LinkMessage.RejectReason,
  detail: string
) {
  const { word } = yield* peer.farewell
  assert.strictEqual(word?._tag, "Reject")
  if (word?._tag !== "Reject") return
  assert.strictEqual(word.reject.reason, reason)
  assert.include(word.reject.detail, detail)
})

const dismissed = Effect.fnUntraced(function* (
  peer: HostilePeer.HostilePeer,
  reason: LinkMessage.GoodbyeReason,
  detail: string
) {
  const { word } = yield* peer.farewell
  assert.strictEqual(word?._tag, "Goodbye")
  if (word?._tag !== "Goodbye") return
  assert.strictEqual(word.goodbye.reason, reason)
  assert.include(word.goodbye.detail, detail)
})

const item = (n: number): DeliveryFrame.Item => ({
  id: HostilePeer.uuid(n),
  protocol: "say",
  subject: "",
  body: Uint8Array.of(0xa1, 0x64, 0x74, 0x65, 0x78, 0x74, 0x61, 0x78)
})

const alert = (code: number, detail = 0): Uint8Array => Uint8Array.of(0xff, 0xff, code, detail)
const preamble = (version: number, pattern: number): Uint8Array =>
  joined(ascii("HOLDFAST"), Uint8Array.of(version, pattern))

/** Sends these bytes instead of a handshake, and is told so in the end. */
const raw = (bytes: Uint8Array, reply: Uint8Array): Attack =>
  Effect.fnUntraced(function* (node) {
    const peer = yield* RawPeer.dial(node.address.endpoint)
    yield* peer.write(bytes)
    assert.deepStrictEqual(yield* peer.reply, reply)
  })

const nothing = new Uint8Array(0)
const foreign = "the peer does not speak Holdfast"

describe("before there is a secure channel", () => {
  const failed = (detail: string): Expected => ({ reason: "handshake-failed", detail })

  survives("garbage is closed", failed(foreign), raw(fill(4_096, 0xee), nothing))
  survives("a megabyte of garbage is closed", failed(foreign), raw(fill(1_048_576, 0x31), nothing))
  survives(
    "plaintext HTTP is closed, and the log shows what it was",
    failed('it began with "GET / HT"'),
    raw(ascii("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), nothing)
  )
  survives(
    "another version of the handshake is told which one this is",
    failed("version 9 of the handshake"),
    raw(preamble(9, 1), alert(2, 1))
  )
  survives("an unknown Noise pattern is told so", failed("Noise pattern 7"), raw(preamble(1, 7), alert(3, 7)))
  survives(
    "a handshake message that is too long is told so",
    failed("65000 bytes was announced"),
    raw(joined(preamble(1, 1), Uint8Array.of(0xfd, 0xe8)), alert(4))
  )
  survives(
    "a handshake message of the wrong length is told so",
    failed("handshake message 1 has 20 bytes"),
    raw(joined(preamble(1, 1), Uint8Array.of(0, 20)), alert(4))
  )
  survives(
    "a handshake for another key is told so",
    failed("handshake message 1 cannot be decrypted"),
    raw(joined(preamble(1, 1), Uint8Array.of(0, 128), fill(128)), alert(1))
  )
  survives(
    "a handshake that is cut short is closed",
    failed("during the handshake, after 5 bytes"),
    Effect.fnUntraced(function* (node) {
      const peer = yield* RawPeer.dial(node.address.endpoint)
      yield* peer.write("HOLDF")
      yield* peer.end
      assert.deepStrictEqual(yield* peer.reply, nothing)
    })
  )
  survives(
    "a handshake that is broken off is closed",
    failed("the connection was lost"),
    Effect.fnUntraced(function* (node) {
      const peer = yield* RawPeer.dial(node.address.endpoint)
      yield* peer.write("HOLDF")
      yield* Effect.sync(() => void peer.socket.resetAndDestroy())
    })
  )
  survives(
    "a peer that sends one byte now and then is closed after the time for the handshake",
    { reason: "handshake-timeout", detail: `no secure channel within ${soon} ms` },
    Effect.fnUntraced(function* (node) {
      const peer = yield* RawPeer.dial(node.address.endpoint)
      const bytes = preamble(1, 1)
      yield* Effect.forkScoped(
        Effect.forEach(bytes, (byte) => Effect.andThen(peer.write(Uint8Array.of(byte)), Effect.sleep(100)), {
          discard: true
        })
      )
      assert.deepStrictEqual(yield* peer.reply, nothing)
    }),
    { config: { handshakeTimeout: soon } }
  )
})

describe("before there is a session", () => {
  const violated = (detail: string): Expected => ({ reason: "violation", detail })
  const sends = (send: (peer: HostilePeer.HostilePeer) => Effect.Effect<void>, detail: string): Attack =>
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* send(peer)
      yield* refused(peer, "violation", detail)
    })

  const oversized = "oversized frame: 4294967295 bytes announced, 4096 allowed"
  survives(
    "a frame of 2^32-1 bytes is refused by its length alone",
    violated(oversized),
    sends((peer) => peer.sendBytes(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 1)), oversized)
  )
  survives(
    "a frame of no bytes is refused",
    violated("undersized frame"),
    sends((peer) => peer.sendBytes(fill(4, 0)), "undersized frame")
  )
  survives(
    "a frame of another version is refused",
    violated("version 9, this node speaks 1"),
    sends((peer) => peer.sendBytes(Uint8Array.of(0, 0, 0, 2, 9, 1)), "version 9, this node speaks 1")
  )
  survives(
    "an unknown kind that must be understood is refused",
    violated("unknown frame kind 99"),
    sends((peer) => peer.send(99), "unknown frame kind 99")
  )
  survives(
    "DATA before HELLO is refused",
    violated("a frame of kind 17 came before the session was live"),
    sends((peer) => peer.send(Kind.Data, fill(20)), "a frame of kind 17 came before")
  )
  survives(
    "COMMIT before HELLO is refused",
    violated("COMMIT came before HELLO"),
    sends((peer) => peer.send(Kind.Commit, LinkMessage.commit.encode({ number: 5n })), "COMMIT came before HELLO")
  )
  survives(
    "a HELLO that is no CBOR is refused",
    violated("HELLO"),
    sends((peer) => peer.send(Kind.Hello, fill(100, 0xff)), "HELLO")
  )
  survives(
    "a HELLO that lacks what it must have is refused, and the log names it",
    violated("HELLO"),
    sends((peer) => peer.send(Kind.Hello, Uint8Array.of(0xa0)), "HELLO")
  )
  survives(
    "a ping of seven bytes is refused",
    violated("a ping or pong carries 8 bytes, this one 7"),
    sends((peer) => peer.send(Kind.Ping, fill(7)), "carries 8 bytes, this one 7")
  )
  survives(
    "a second HELLO from an arbiter that has not committed is refused",
    violated("HELLO came twice"),
    Effect.fnUntraced(function* (node) {
      // This node has the higher key, so the peer is the arbiter and the session waits for its word.
      const peer = yield* hostile(node, arbiter)
      yield* peer.hello()
      yield* peer.hello()
      yield* refused(peer, "violation", "HELLO came twice")
    }),
    { seed: seed(follower) }
  )
  survives(
    "the end of input inside a frame is told, although the peer has stopped sending",
    { reason: "truncated", detail: "the input ended 9 bytes into a frame" },
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* peer.sendBytes(Frame.encode(Kind.Hello, fill(100)).subarray(0, 9))
      yield* peer.end
      yield* refused(peer, "violation", "the input ended 9 bytes into a frame")
    })
  )
  survives(
    "the end of input inside a record is told",
    { reason: "truncated", detail: "inside a record, 10 bytes into it" },
    Effect.fnUntraced(function* (node) {
      let cut = false
      const peer = yield* hostile(node, follower, (bytes) => (cut ? bytes.subarray(0, 10) : bytes))
      cut = true
      yield* peer.hello()
      yield* peer.end
      yield* refused(peer, "violation", "the input ended inside a record")
    })
  )
  survives(
    "a forged record is told",
    violated("does not open"),
    Effect.fnUntraced(function* (node) {
      let forge = false
      const peer = yield* hostile(node, follower, (bytes) =>
        forge ? bytes.map((byte, i) => (i === 20 ? byte ^ 1 : byte)) : bytes
      )
      forge = true
      yield* peer.hello()
      yield* refused(peer, "violation", "does not open")
    })
  )
  survives(
    "a peer of another network is refused",
    { reason: "refused", detail: 'network: network "other", this node is on "test"' },
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* peer.hello({ network: "other" })
      yield* refused(peer, "network", 'network "other", this node is on "test"')
    })
  )
  for (const versions of [
    { min: 7, max: 9 },
    { min: 0, max: 0 },
    { min: 2, max: 0 }
  ]) {
    survives(
      `a peer of versions ${versions.min} to ${versions.max} is refused`,
      { reason: "refused", detail: "this node speaks 1 to 1" },
      Effect.fnUntraced(function* (node) {
        const peer = yield* hostile(node)
        yield* peer.hello({ versions })
        yield* refused(peer, "version", "this node speaks 1 to 1")
      })
    )
  }
  survives(
    "a peer that knows the last of all session numbers is refused: there is none after it",
    violated("HELLO claims session number 18446744073709551615"),
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* peer.hello({ knows: 2n ** 64n - 1n })
      yield* refused(peer, "violation", "HELLO claims session number")
    })
  )
  survives(
    "a COMMIT with the last of all session numbers is refused",
    violated("COMMIT claims session number 18446744073709551615"),
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node, arbiter)
      yield* peer.hello()
      yield* peer.send(Kind.Commit, LinkMessage.commit.encode({ number: 2n ** 64n - 1n }))
      yield* refused(peer, "violation", "COMMIT claims session number")
    }),
    { seed: seed(follower) }
  )
  survives(
    "another process with this node's own key is refused",
    { reason: "refused", detail: "clone: another process uses the same node key" },
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node, arbiter)
      yield* peer.hello()
      yield* refused(peer, "clone", "another process uses the same node key")
    })
  )
  survives(
    "a peer that never greets is refused after the time for the handshake",
    { reason: "handshake-timeout", detail: `no session within ${soonAfterHandshake} ms` },
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* refused(peer, "violation", `no session within ${soonAfterHandshake} ms`)
    }),
    { config: { handshakeTimeout: soonAfterHandshake } }
  )
  survives(
    "an arbiter that never commits is refused after the time for the handshake",
    { reason: "handshake-timeout", detail: `no session within ${soonAfterHandshake} ms` },
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node, arbiter)
      yield* peer.hello()
      yield* refused(peer, "busy", `no session within ${soonAfterHandshake} ms`)
    }),
    { seed: seed(follower), config: { handshakeTimeout: soonAfterHandshake } }
  )
})

describe("on a live session", () => {
  const violated = (detail: string): Expected => ({ reason: "violation", detail, sessions: 1 })
  const sends = (
    send: (peer: HostilePeer.HostilePeer, theirs: DeliveryFrame.Resume) => Effect.Effect<void>,
    detail: string
  ): Attack =>
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      const theirs = yield* session(peer)
      yield* send(peer, theirs)
      yield* dismissed(peer, "violation", detail)
    })

  const oversized = "oversized frame: 4294967295 bytes announced, 4194304 allowed"
  survives(
    "a frame of 2^32-1 bytes ends it by its length alone",
    violated(oversized),
    sends((peer) => peer.sendBytes(joined(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 17), fill(500_000))), oversized)
  )
  survives(
    "an unknown kind that must be understood ends it",
    violated("unknown frame kind 42"),
    sends((peer) => peer.send(42), "unknown frame kind 42")
  )
  survives(
    "a second HELLO ends it",
    violated("HELLO came twice"),
    sends((peer) => peer.hello(), "HELLO came twice")
  )
  survives(
    "COMMIT from the follower ends it",
    violated("COMMIT came twice"),
    sends((peer) => peer.send(Kind.Commit, LinkMessage.commit.encode({ number: 9n })), "COMMIT came twice")
  )
  survives(
    "a pong of nine bytes ends it",
    violated("carries 8 bytes, this one 9"),
    sends((peer) => peer.send(Kind.Pong, fill(9)), "carries 8 bytes, this one 9")
  )
  survives(
    "a GOODBYE that is no CBOR ends it",
    violated("GOODBYE"),
    sends((peer) => peer.send(Kind.Goodbye, fill(9, 0xff)), "GOODBYE")
  )
  survives(
    "DATA that is no CBOR ends it",
    violated("DATA"),
    sends((peer) => peer.send(Kind.Data, fill(50, 0xff)), "DATA")
  )
  survives(
    "DATA without a message ends it",
    violated("DATA"),
    sends(
      (peer) =>
        peer.send(
          Kind.Data,
          joined(
            DeliveryFrame.data.encode({ stream: ourStream, first: 1n, seen: 0n, items: [item(1)] }).subarray(0, 40)
          )
        ),
      "DATA"
    )
  )
  survives(
    "DATA with a gap ends it, and the message in it has no effect",
    violated("message 3 came after 0: 2 are missing"),
    sends(
      (peer) =>
        peer.send(Kind.Data, DeliveryFrame.data.encode({ stream: ourStream, first: 3n, seen: 0n, items: [item(1)] })),
      "message 3 came after 0"
    )
  )
  survives(
    "DATA numbered from nought ends it",
    violated("numbers start at 1"),
    sends(
      (peer) =>
        peer.send(Kind.Data, DeliveryFrame.data.encode({ stream: ourStream, first: 0n, seen: 0n, items: [item(1)] })),
      "numbers start at 1"
    )
  )
  survives(
    "DATA of another stream ends it",
    violated("DATA of a stream that was not resumed"),
    sends(
      (peer) =>
        peer.send(
          Kind.Data,
          DeliveryFrame.data.encode({ stream: HostilePeer.uuid(999), first: 1n, seen: 0n, items: [item(1)] })
        ),
      "DATA of a stream that was not resumed"
    )
  )
  survives(
    "a RECEIPT that is no CBOR ends it",
    violated("RECEIPT"),
    sends((peer) => peer.send(Kind.Receipt, fill(12, 0xff)), "RECEIPT")
  )
  survives(
    "a RECEIPT for what was never sent ends it",
    violated("receipt for 1000, only 0 were sent"),
    sends(
      (peer, theirs) =>
        peer.send(
          Kind.Receipt,
          DeliveryFrame.receipt.encode({ stream: theirs.sending.stream, upTo: 1_000n, answers: [] })
        ),
      "receipt for 1000, only 0 were sent"
    )
  )
  survives(
    "a RECEIPT for another stream ends it",
    violated("receipt for stream"),
    sends(
      (peer) =>
        peer.send(Kind.Receipt, DeliveryFrame.receipt.encode({ stream: HostilePeer.uuid(999), upTo: 1n, answers: [] })),
      "receipt for stream"
    )
  )
  survives(
    "a second RESUME ends it",
    violated("RESUME came twice"),
    sends((peer) => peer.send(Kind.Resume, DeliveryFrame.resume.encode(ours)), "RESUME came twice")
  )
  survives(
    "a RESUME that is no CBOR ends it",
    violated("RESUME"),
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* peer.hello()
      yield* peer.take(Kind.Commit)
      yield* peer.send(Kind.Resume, fill(30, 0xff))
      yield* dismissed(peer, "violation", "RESUME")
    })
  )
  survives(
    "DATA before RESUME ends it",
    violated("frame kind 17 came before RESUME"),
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* peer.hello()
      yield* peer.take(Kind.Commit)
      yield* peer.send(
        Kind.Data,
        DeliveryFrame.data.encode({ stream: ourStream, first: 1n, seen: 0n, items: [item(1)] })
      )
      yield* dismissed(peer, "violation", "frame kind 17 came before RESUME")
    })
  )
  survives(
    "REJECT from an arbiter that has committed ends it",
    violated("REJECT came on a live session"),
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node, arbiter)
      yield* peer.hello()
      yield* peer.send(Kind.Commit, LinkMessage.commit.encode({ number: 5n }))
      yield* peer.take(Kind.Resume)
      yield* peer.send(Kind.Reject, LinkMessage.reject.encode({ reason: "busy", number: 0n, detail: "" }))
      yield* dismissed(peer, "violation", "REJECT came on a live session")
    }),
    { seed: seed(follower) }
  )
  survives(
    "an unknown kind that may be ignored is ignored",
    { reason: "goodbye", detail: "shutdown: enough", sessions: 1 },
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* session(peer)
      for (const kind of [129, 200, 255]) yield* peer.send(kind, fill(1_000))
      yield* peer.send(Kind.Ping, fill(8, 3))
      assert.deepStrictEqual((yield* peer.take(Kind.Pong)).body, fill(8, 3))
      yield* peer.send(
        Kind.Goodbye,
        LinkMessage.goodbye.encode({ reason: "shutdown", retryAfterMillis: 0, detail: "enough" })
      )
      assert.isUndefined((yield* peer.farewell).word)
    })
  )
  survives(
    "the end of input inside a frame is told",
    { reason: "truncated", detail: "the input ended 1000 bytes into a frame", sessions: 1 },
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* session(peer)
      yield* peer.sendBytes(Frame.encode(Kind.Data, fill(5_000)).subarray(0, 1_000))
      yield* peer.end
      yield* dismissed(peer, "violation", "the input ended 1000 bytes into a frame")
    })
  )
  survives(
    "a peer that closes without a word is seen to",
    { reason: "closed", detail: "the peer closed the connection", sessions: 1 },
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* session(peer)
      yield* peer.end
      assert.isUndefined((yield* peer.farewell).word)
    })
  )
  survives(
    "a peer that never reads is cut off",
    { reason: "slow", detail: "the peer does not take what is written", sessions: 1 },
    Effect.fnUntraced(function* (node) {
      const text = "x".repeat(1_000_000)
      yield* Effect.forEach(Array.from({ length: 24 }), () => node.say(keyOf(follower), text), { concurrency: 8 })
      const peer = yield* hostile(node)
      yield* session(peer)
      yield* node.logs(({ data }) => data["reason"] === "slow")
    }),
    { delivery: { window: { messages: 100, bytes: 64 * 1024 * 1024 } }, config: { writeTimeout: soon } }
  )
  const flood = Effect.fnUntraced(function* (peer: HostilePeer.HostilePeer) {
    yield* session(peer)
    const pings = joined(...Array.from({ length: 20_000 }, () => Frame.encode(Kind.Ping, fill(8))))
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(peer.sendBytes(pings), Effect.yieldNow)))
  })
  survives(
    "a peer that pings and never reads is cut off, however many pings it may send",
    { reason: "slow", detail: "the peer does not take", sessions: 1 },
    Effect.fnUntraced(function* (node) {
      yield* flood(yield* hostile(node))
      yield* node.logs(({ data }) => data["reason"] === "slow")
    }),
    { config: { writeTimeout: soon, rates: { ...rates, ping: { ...rates.ping, burst: 1e9 } } } }
  )
  survives(
    "a peer that pings more than it may is slowed down, then not heard, then cut off",
    { reason: "violation", detail: "it sent more ping frames than 10 a second", sessions: 1 },
    Effect.fnUntraced(function* (node) {
      const peer = yield* hostile(node)
      yield* flood(peer)
      yield* node.logs(({ data }) => data["reason"] === "violation")
    }),
    { config: { rates: { ...rates, ping: { ...rates.ping, delays: 3, drops: 5 } } } }
  )
})

describe("who is banned", () => {
  it.live("is sent away and stays away, and is let in again when the ban is lifted", () =>
    Effect.gen(function* () {
      const node = yield* MemoryNode.start({ seed: seed(arbiter), config: patient })
      const peer = yield* hostile(node)
      yield* session(peer)
      yield* node.bans.order(Ban.ofPeer(keyOf(follower)), { reason: "a test" })
      assert.strictEqual((yield* peer.farewell).word?._tag, "Goodbye")
      const again = yield* hostile(node)
      yield* again.hello()
      const { word } = yield* again.farewell
      assert.strictEqual(word?._tag === "Reject" ? word.reject.reason : undefined, "banned")
      yield* node.bans.lift(Ban.ofPeer(keyOf(follower)))
      yield* session(yield* hostile(node))
    }).pipe(Effect.scoped)
  )

  it.live("is so by its own key for a frame of an impossible length", () =>
    Effect.gen(function* () {
      const node = yield* MemoryNode.start({ seed: seed(arbiter), config: patient, banMillis: 60_000 })
      const peer = yield* hostile(node)
      yield* session(peer)
      yield* peer.sendBytes(Uint8Array.of(255, 255, 255, 255, Frame.version, Kind.Data))
      yield* peer.farewell
      assert.strictEqual(node.bans.list()[0]?.by, "rule")
      const again = yield* hostile(node)
      yield* again.hello()
      const { word } = yield* again.farewell
      assert.strictEqual(word?._tag === "Reject" ? word.reject.reason : undefined, "banned")
    }).pipe(Effect.scoped)
  )
})

describe("who connects to whom", () => {
  it.live("a node that reaches itself notices, on both ends, and goes on", () =>
    Effect.gen(function* () {
      const node = yield* MemoryNode.start({ seed: seed(arbiter), config: patient })
      const friend = yield* MemoryNode.start({ seed: seed(50) })
      yield* node.say(friend.key, "committed before")
      const socket = yield* node.transport.dial(node.address.endpoint)
      const outcome = yield* node.links.serve(socket, {
        direction: "outbound",
        remote: "itself",
        host: socket.remoteHost
      })
      assert.strictEqual(outcome.reject?.reason, "self")
      // The test's own fiber serves the dialled end, so that only the other one is in the node's log.
      yield* node.logs(({ data }) => data["direction"] === "inbound")
      assert.deepStrictEqual(
        node.log.map(({ data, message }) => [message, data["direction"], data["detail"]]),
        [["Connection closed", "inbound", "self: this address leads back to the node that dialled it"]]
      )
      const ends = node.registry.recent().filter(({ to }) => to === "closed")
      assert.deepStrictEqual(ends.map(({ direction, reason }) => [direction, reason]).sort(), [
        ["inbound", "refused"],
        ["outbound", "refused"]
      ])
      yield* stillWorks(node, friend)
    })
  )

  it.live("a node does not dial its own address when it is told to", () =>
    Effect.gen(function* () {
      const node = yield* MemoryNode.start({ seed: seed(arbiter), config: patient })
      yield* node.node.connect(node.address)
      assert.deepStrictEqual(yield* node.supervisor.watches, [])
    })
  )

  it.live("a peer whose key is not the one in its address gets nothing, and both logs say why", () =>
    Effect.gen(function* () {
      const node = yield* MemoryNode.start({ seed: seed(arbiter), config: patient })
      const friend = yield* MemoryNode.start({ seed: seed(50) })
      yield* node.say(friend.key, "committed before")
      const other = NodeSecret.fromSeed(seed(77)).key
      const { host, port } = friend.address
      yield* node.node.connect(new Address({ key: other, host, port }))
      const line = yield* node.logs(({ message }) => message === "Connection closed")
      yield* node.node.forget(other)
      assert.deepStrictEqual(
        [line.data["reason"], line.data["peer"], line.data["remote"]],
        ["handshake-failed", other.slice(0, 8), `${host}:${port}`]
      )
      assert.include(String(line.data["detail"]), `does not hold the key in it (${other})`)
      const theirs = yield* friend.logs(({ message }) => message === "Connection closed")
      assert.include(String(theirs.data["detail"]), "handshake message 1 cannot be decrypted")
      assert.strictEqual(node.log.filter(({ data }) => data["peer"] === other.slice(0, 8)).length, 1)
      yield* stillWorks(node, friend)
    })
  )

  for (const [what, answer, reason, detail] of [
    ["answers with something else", "HTTP/1.1 400 Bad Request\r\n\r\n", "handshake-failed", 'it began with "HTTP/1.1"'],
    ["says nothing", "", "handshake-timeout", `no secure channel within ${soon} ms`]
  ] as const) {
    const config = reason === "handshake-timeout" ? { ...patient, handshakeTimeout: soon } : patient
    it.live(`a server that ${what} is given up, and dialled again`, () =>
      Effect.gen(function* () {
        const node = yield* MemoryNode.start({ seed: seed(arbiter), config })
        const friend = yield* MemoryNode.start({ seed: seed(50) })
        yield* node.say(friend.key, "committed before")
        const stranger = yield* RawPeer.listen((socket) => void socket.write(answer))
        const key = keyOf(77)
        yield* node.node.connect(new Address({ key, host: stranger.host, port: stranger.port }))
        const line = yield* node.logs(({ message }) => message === "Connection closed")
        assert.deepStrictEqual([line.data["reason"], line.data["peer"]], [reason, key.slice(0, 8)])
        assert.include(String(line.data["detail"]), detail)
        yield* node.logs((it) => it.message === "Connection closed" && it !== line)
        const watch = (yield* node.supervisor.watches).find(({ peer }) => peer === key)
        assert.isAtLeast(watch?.failures ?? 0, 1)
        assert.strictEqual(watch?.lastEnded?.reason, reason)
        yield* node.node.forget(key)
        yield* stillWorks(node, friend)
      })
    )
  }

  it.live("callers beyond the limit are turned away at once, and the next may come when one has gone", () =>
    Effect.gen(function* () {
      const node = yield* MemoryNode.start({
        seed: seed(arbiter),
        config: { ...patient, maxHandshakes: 3 }
      })
      const friend = yield* MemoryNode.start({ seed: seed(50) })
      yield* node.say(friend.key, "committed before")
      const mute = yield* Effect.forEach([1, 2, 3], () => RawPeer.dial(node.address.endpoint))
      const surplus = yield* RawPeer.dial(node.address.endpoint)
      assert.deepStrictEqual(yield* surplus.reply, nothing)
      const line = yield* node.logs(({ message }) => message === "Connection not taken")
      assert.deepStrictEqual(line.data, {
        remote: `127.0.0.1:${surplus.port}`,
        limit: "3 handshakes are under way"
      })
      assert.strictEqual(node.log.length, 1)
      yield* mute[0]!.end
      yield* node.logs(({ message }) => message === "Connection closed")
      yield* friend.node.connect(node.address)
      yield* friend.hears("committed before")
    })
  )
})
