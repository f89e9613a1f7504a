import { assert, describe, it } from "@effect/vitest"
import { Redacted, Result } from "effect"
import { Hex } from "effect/encoding"
import sodium from "sodium-native"
import * as Noise from "../../../src/protocol/link/Noise.ts"
import * as NoiseState from "../../../src/protocol/link/NoiseState.ts"
import * as Record from "../../../src/protocol/link/Record.ts"
import * as NodeKey from "../../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import vectors from "../../vectors/noise.json" with { type: "json" }

const unhex = (text: string): Uint8Array => Result.getOrThrow(Hex.decode(text))
const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(chunks))
const fill = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

const party = (seed: number): Noise.Self => {
  const secret = NodeSecret.fromSeed(fill(seed))
  return { key: secret.key, linkKeys: secret.linkKeys, ephemeral: fill(seed + 100) }
}
const ann = party(1)
const ben = party(2)
const eve = party(3)

interface Run {
  readonly ann: Noise.Established | undefined
  readonly ben: Noise.Established | undefined
  readonly annError: string | undefined
  readonly benError: string | undefined
  /** Every write, in order, by its sender. */
  readonly transcript: ReadonlyArray<readonly ["ann" | "ben", Uint8Array]>
}

type Tamper = (bytes: Uint8Array, index: number) => Uint8Array

/** Lets two machines talk until both are over or silent; every write passes `tamper` and then `cut` into chunks. */
const converse = (
  initiator: Noise.Noise,
  responder: Noise.Noise,
  tamper: Tamper = (bytes) => bytes,
  cut: (bytes: Uint8Array) => ReadonlyArray<Uint8Array> = (bytes) => [bytes]
): Run => {
  const transcript: Array<readonly ["ann" | "ben", Uint8Array]> = []
  const last: { ann?: Noise.Step; ben?: Noise.Step } = {}
  const inFlight: Array<readonly ["ann" | "ben", Uint8Array]> = []
  const took = (who: "ann" | "ben", step: Noise.Step) => {
    for (const bytes of step.send) {
      transcript.push([who, Uint8Array.from(bytes)])
      inFlight.push([who, tamper(Uint8Array.from(bytes), transcript.length - 1)])
    }
    if (step.done !== undefined || step.error !== undefined) last[who] = step
  }
  took("ben", responder.start())
  took("ann", initiator.start())
  for (let next = inFlight.shift(); next !== undefined; next = inFlight.shift()) {
    const [to, machine] = next[0] === "ann" ? (["ben", responder] as const) : (["ann", initiator] as const)
    for (const chunk of cut(next[1])) if (last[to] === undefined) took(to, machine.feed(chunk))
  }
  return {
    ann: last.ann?.done,
    ben: last.ben?.done,
    annError: last.ann?.error?._tag,
    benError: last.ben?.error?._tag,
    transcript
  }
}

const modes = [
  { name: "XX", expected: undefined, messages: 3 },
  { name: "IK", expected: ben.key, messages: 2 }
] as const

describe("NoiseState", () => {
  for (const vector of vectors.vectors) {
    it(`speaks the published vector ${vector.protocol_name}, its records sealed by our record layer`, () => {
      const pattern = vector.protocol_name.slice(6, 8) === "XX" ? "XX" : "IK"
      const make = (initiator: boolean) => {
        const secretKey = unhex(initiator ? vector.init_static : vector.resp_static)
        const publicKey = new Uint8Array(32)
        sodium.crypto_scalarmult_base(publicKey, secretKey)
        return NoiseState.make({
          pattern,
          initiator,
          publicKey,
          secretKey,
          ephemeral: unhex(initiator ? vector.init_ephemeral : vector.resp_ephemeral),
          prologue: unhex(initiator ? vector.init_prologue : vector.resp_prologue),
          remoteStatic:
            initiator && vector.init_remote_static !== undefined ? unhex(vector.init_remote_static) : undefined
        })
      }
      const states = [make(true), make(false)] as const
      const handshake = pattern === "XX" ? 3 : 2
      for (let i = 0; i < handshake; i++) {
        const { payload, ciphertext } = vector.messages[i]!
        const written = states[i % 2 === 0 ? 0 : 1].write(unhex(payload))
        assert.strictEqual(Hex.encode(written), ciphertext)
        assert.strictEqual(Hex.encode(states[i % 2 === 0 ? 1 : 0].read(written)), payload)
      }
      const [first, second] = [states[0].split(), states[1].split()]
      assert.strictEqual(Hex.encode(first.hash), vector.handshake_hash)
      assert.strictEqual(Hex.encode(second.hash), vector.handshake_hash)
      const ends = [first, second].map((split) => ({
        sealer: new Record.Sealer(split.txKey),
        opener: new Record.Opener(split.rxKey)
      }))
      for (let i = handshake; i < vector.messages.length; i++) {
        const { payload, ciphertext } = vector.messages[i]!
        const sealed = ends[i % 2]!.sealer.seal([unhex(payload)])
        assert.strictEqual(Hex.encode(sealed.subarray(2)), ciphertext)
        const opened: Array<Uint8Array> = []
        ends[(i + 1) % 2]!.opener.feed(sealed, (content) => opened.push(Uint8Array.from(content)))
        assert.strictEqual(Hex.encode(concat(opened)), payload)
      }
    })
  }
})

describe("Noise", () => {
  for (const { name, expected, messages } of modes) {
    describe(name, () => {
      it("gives both sides the other's key, matching record keys and the same hash", () => {
        const run = converse(Noise.initiator(ann, expected), Noise.responder(ben))
        assert.strictEqual(run.transcript.length, messages)
        assert.strictEqual(run.ann?.peer, ben.key)
        assert.strictEqual(run.ben?.peer, ann.key)
        assert.deepStrictEqual(run.ann?.txKey, run.ben?.rxKey)
        assert.deepStrictEqual(run.ann?.rxKey, run.ben?.txKey)
        assert.notDeepEqual(run.ann?.txKey, run.ann?.rxKey)
        assert.deepStrictEqual(run.ann?.hash, run.ben?.hash)
        assert.strictEqual(run.ann?.rest.length, 0)
        assert.strictEqual(run.ben?.rest.length, 0)
      })

      it("says the same bytes again from the same ephemeral secrets, and others from others", () => {
        const again = () => converse(Noise.initiator(ann, expected), Noise.responder(ben)).transcript
        assert.deepStrictEqual(again(), again())
        const other = converse(
          Noise.initiator({ ...ann, ephemeral: fill(50) }, expected),
          Noise.responder({ ...ben, ephemeral: fill(51) })
        ).transcript
        for (let i = 0; i < messages; i++) assert.notDeepEqual(other[i], again()[i])
      })

      it("leaves the ephemeral secret that it was given as it was", () => {
        const mine = { ...ann, ephemeral: fill(60) }
        const yours = { ...ben, ephemeral: fill(61) }
        converse(Noise.initiator(mine, expected), Noise.responder(yours))
        assert.deepStrictEqual([mine.ephemeral, yours.ephemeral], [fill(60), fill(61)])
      })

      it("begins with the preamble", () => {
        const [sent] = Noise.initiator(ann, expected).start().send
        assert.strictEqual(Buffer.from(sent!.subarray(0, 8)).toString(), "HOLDFAST")
        assert.deepStrictEqual([...sent!.subarray(8, 10)], [1, name === "XX" ? 0 : 1])
      })

      it("does not show either node key on the wire", () => {
        const run = converse(Noise.initiator(ann, expected), Noise.responder(ben))
        const wire = Hex.encode(concat(run.transcript.map(([, bytes]) => bytes)))
        for (const self of [ann, ben]) {
          assert.notInclude(wire, self.key)
          assert.notInclude(wire, Hex.encode(self.linkKeys.publicKey))
        }
      })

      it("understands a handshake cut at any byte", () => {
        const whole = converse(Noise.initiator(ann, expected), Noise.responder(ben))
        const longest = Math.max(...whole.transcript.map(([, bytes]) => bytes.length))
        for (let at = 0; at <= longest; at++) {
          const cut = (bytes: Uint8Array) => [bytes.slice(0, at), bytes.slice(at)]
          const run = converse(Noise.initiator(ann, expected), Noise.responder(ben), undefined, cut)
          assert.deepStrictEqual(run, whole, `cut at ${at}`)
        }
        const single = (bytes: Uint8Array) => Array.from(bytes, (byte) => Uint8Array.of(byte))
        assert.deepStrictEqual(converse(Noise.initiator(ann, expected), Noise.responder(ben), undefined, single), whole)
      })

      it("keeps no view of a chunk that the caller uses again", () => {
        const initiator = Noise.initiator(ann, expected)
        const responder = Noise.responder(ben)
        const whole = concat(initiator.start().send)
        const scratch = new Uint8Array(5)
        let answer: Uint8Array | undefined
        for (let at = 0; at < whole.length; at += 5) {
          const chunk = whole.subarray(at, at + 5)
          scratch.set(chunk)
          answer = responder.feed(scratch.subarray(0, chunk.length)).send[0]
          scratch.fill(0xee)
        }
        const before = Uint8Array.from(answer!)
        assert.isDefined(initiator.feed(answer!).done)
        assert.deepStrictEqual(answer, before)
      })

      it("hands on what was read beyond the handshake", () => {
        const extra = Uint8Array.of(9, 8, 7)
        const last = messages - 1
        const tamper: Tamper = (bytes, i) => (i === last ? concat([bytes, extra]) : bytes)
        const run = converse(Noise.initiator(ann, expected), Noise.responder(ben), tamper)
        assert.deepStrictEqual(name === "XX" ? run.ben?.rest : run.ann?.rest, extra)
      })

      it("comes to no agreement if any bit of the handshake is changed", () => {
        const { transcript } = converse(Noise.initiator(ann, expected), Noise.responder(ben))
        for (let message = 0; message < transcript.length; message++) {
          for (let at = 0; at < transcript[message]![1].length; at++) {
            const tamper: Tamper = (bytes, i) => {
              if (i === message) bytes[at]! ^= 1 << (at % 8)
              return bytes
            }
            const run = converse(Noise.initiator(ann, expected), Noise.responder(ben), tamper)
            // The receiver of the changed message must not finish; the sender of the last one cannot know.
            const receiver = transcript[message]![0] === "ann" ? run.ben : run.ann
            assert.isUndefined(receiver, `message ${message}, byte ${at}`)
            if (message < messages - 1) assert.isTrue(run.ann === undefined || run.ben === undefined)
          }
        }
      })

      it("refuses a peer key of low order", () => {
        // The eight points of small order, as far as they have distinct encodings below the prime.
        const low = [
          fill(0),
          Uint8Array.of(1, ...new Uint8Array(31)),
          unhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
          unhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
          unhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
          unhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
          unhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
        ]
        for (const point of low) {
          const first: Tamper = (bytes, i) => {
            if (i === 0) bytes.set(point, Noise.preambleSize + 2)
            return bytes
          }
          const toBen = converse(Noise.initiator(ann, expected), Noise.responder(ben), first)
          assert.strictEqual(toBen.benError, "KeyWeak")
          assert.strictEqual(toBen.annError, "PeerRefused")
          const second: Tamper = (bytes, i) => {
            if (i === 1) bytes.set(point, 2)
            return bytes
          }
          assert.strictEqual(converse(Noise.initiator(ann, expected), Noise.responder(ben), second).annError, "KeyWeak")
        }
      })

      it("refuses an initiator that claims a node key which it does not hold", () => {
        const liar: Noise.Self = { ...ann, key: eve.key }
        const run = converse(Noise.initiator(liar, expected), Noise.responder(ben))
        assert.strictEqual(run.benError, "KeyMismatch")
        assert.isUndefined(run.ben)
      })

      it("refuses a responder that claims a node key which it does not hold", () => {
        const liar: Noise.Self = { ...ben, key: eve.key }
        const run = converse(Noise.initiator(ann, expected), Noise.responder(liar))
        assert.strictEqual(run.annError, "KeyMismatch")
        if (name === "XX") assert.strictEqual(run.benError, "PeerRefused")
      })
    })
  }

  it("tells the dialler that the node does not hold the key it dialled", () => {
    const initiator = Noise.initiator(ann, eve.key)
    const run = converse(initiator, Noise.responder(ben))
    assert.strictEqual(run.benError, "DecryptionFailed")
    assert.strictEqual(run.annError, "WrongNode")
    assert.deepStrictEqual([...run.transcript[1]![1]], [0xff, 0xff, 1, 0])
  })

  it("is not satisfied by the other node key that shares the dialled one's X25519 key", () => {
    const twin = NodeKey.toBytes(ben.key)
    twin[31]! ^= 0x80
    const twinKey = NodeKey.fromBytes(twin)
    const run = converse(Noise.initiator(ann, twinKey), Noise.responder(ben))
    assert.strictEqual(run.annError, "KeyMismatch")
    assert.isUndefined(run.ann)
  })

  it("does not dial a key that no node can hold", () => {
    for (const key of ["00".repeat(32), "01" + "00".repeat(31), "ff".repeat(32)]) {
      const step = Noise.initiator(ann, NodeKey.NodeKey.make(key)).start()
      assert.strictEqual(step.error?._tag, "KeyInvalid")
      assert.deepStrictEqual(step.send, [])
    }
  })

  it("refuses a message of one pattern under the preamble of the other", () => {
    for (const [expected, pattern] of [
      [ben.key, 0],
      [undefined, 1]
    ] as const) {
      const tamper: Tamper = (bytes, i) => {
        if (i === 0) bytes[9] = pattern
        return bytes
      }
      const run = converse(Noise.initiator(ann, expected), Noise.responder(ben), tamper)
      assert.strictEqual(run.benError, "MessageMalformed")
      assert.strictEqual(run.annError, "PeerRefused")
    }
  })

  it("mixes the preamble into the handshake as its prologue", () => {
    const speak = (prologue: Uint8Array) => {
      const { publicKey, secretKey } = ann.linkKeys
      const state = NoiseState.make({
        pattern: "IK",
        initiator: true,
        publicKey,
        secretKey: Redacted.value(secretKey),
        ephemeral: ann.ephemeral,
        prologue,
        remoteStatic: ben.linkKeys.publicKey
      })
      const message = state.write(NodeKey.toBytes(ann.key))
      return Noise.responder(ben).feed(concat([preamble, Uint8Array.of(0, message.length), message]))
    }
    const preamble = Uint8Array.from(Buffer.from("HOLDFAST\x01\x01"))
    assert.strictEqual(speak(preamble).done?.peer, ann.key)
    assert.strictEqual(speak(new Uint8Array(0)).error?._tag, "DecryptionFailed")
    assert.strictEqual(speak(preamble.subarray(0, 9)).error?._tag, "DecryptionFailed")
  })

  it("knows another protocol by its first wrong byte and answers it nothing", () => {
    const others = ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-x\r\n", "H2", "HOLDFASU"]
    for (const text of others) {
      const step = Noise.responder(ben).feed(Buffer.from(text))
      assert.strictEqual(step.error?._tag, "NotHoldfast", text)
      assert.deepStrictEqual(step.send, [])
    }
    assert.include(Noise.responder(ben).feed(Buffer.from(others[0]!)).error?.message, '"GET / HT"')
    const early = Noise.responder(ben)
    assert.isUndefined(early.feed(Buffer.from("HOL")).error)
    assert.strictEqual(early.feed(Buffer.from("E")).error?._tag, "NotHoldfast")
  })

  it("knows a server of another protocol by its answer", () => {
    for (const { expected } of modes) {
      const initiator = Noise.initiator(ann, expected)
      initiator.start()
      const { error, send } = initiator.feed(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"))
      assert.strictEqual(error?._tag, "NotHoldfast")
      assert.include(error?.message, '"HTTP/1.1"')
      assert.deepStrictEqual(send, [])
    }
  })

  it("names both versions if they differ, on both sides", () => {
    const tamper: Tamper = (bytes, i) => {
      if (i === 0) bytes[8] = 7
      return bytes
    }
    const initiator = Noise.initiator(ann, ben.key)
    initiator.start()
    const step = Noise.responder(ben).feed(Buffer.from("HOLDFAST\x07\x00"))
    assert.strictEqual(
      step.error?.message,
      "the peer speaks version 7 of the handshake and this node 1: upgrade this node"
    )
    const newer = initiator.feed(Uint8Array.of(0xff, 0xff, 2, 3))
    assert.strictEqual(newer.error?._tag, "VersionUnsupported")
    // A node that refuses the very version it speaks makes no sense; that is how a changed preamble looks.
    const run = converse(Noise.initiator(ann, ben.key), Noise.responder(ben), tamper)
    assert.strictEqual(run.benError, "VersionUnsupported")
    assert.strictEqual(run.annError, "PeerRefused")
  })

  it("refuses a pattern that it does not know", () => {
    const step = Noise.responder(ben).feed(Buffer.from("HOLDFAST\x01\x02"))
    assert.strictEqual(step.error?._tag, "PatternUnsupported")
    assert.deepStrictEqual([...step.send[0]!], [0xff, 0xff, 3, 2])
  })

  it("refuses an oversized message by its length alone, and a wrong one too", () => {
    for (const length of [1025, 0xfffe]) {
      const header = Uint8Array.of(length >> 8, length & 255)
      const step = Noise.responder(ben).feed(concat([Buffer.from("HOLDFAST\x01\x01"), header]))
      assert.strictEqual(step.error?._tag, "MessageOversized")
      assert.deepStrictEqual([...step.send[0]!], [0xff, 0xff, 4, 0])
    }
    for (const length of [0, 31, 127, 129, 1024]) {
      const header = Uint8Array.of(length >> 8, length & 255)
      const step = Noise.responder(ben).feed(concat([Buffer.from("HOLDFAST\x01\x01"), header]))
      assert.strictEqual(step.error?._tag, "MessageMalformed")
    }
  })

  it("sends no alert to a peer whose handshake is over, since it would read it as a record", () => {
    const damage: Tamper = (bytes, i) => {
      if (i === 2) bytes[20]! ^= 1
      return bytes
    }
    const xx = converse(Noise.initiator(ann), Noise.responder(ben), damage)
    assert.strictEqual(xx.benError, "DecryptionFailed")
    assert.strictEqual(xx.transcript.length, 3)
    const ik = converse(Noise.initiator(ann, ben.key), Noise.responder(ben), (bytes, i) => {
      if (i === 1) bytes[50]! ^= 1
      return bytes
    })
    assert.strictEqual(ik.annError, "DecryptionFailed")
    assert.strictEqual(ik.transcript.length, 2)
  })

  it("finds bytes that a peer sent before it could know what to say", () => {
    const tamper: Tamper = (bytes, i) => (i === 0 ? concat([bytes, Uint8Array.of(1, 2, 3)]) : bytes)
    const run = converse(Noise.initiator(ann), Noise.responder(ben), tamper)
    assert.strictEqual(run.benError, "MessageMalformed")
  })

  it("lets a replayed first message of IK learn nothing and seal nothing", () => {
    const recorded = concat(Noise.initiator(ann, ben.key).start().send)
    const one = Noise.responder(ben).feed(recorded)
    const two = Noise.responder({ ...ben, ephemeral: fill(77) }).feed(recorded)
    // The responder believes it, and that is why nothing may be decided before the first record opens.
    assert.strictEqual(two.done?.peer, ann.key)
    assert.notDeepEqual(one.done?.rxKey, two.done?.rxKey)
    const replayed = new Record.Sealer(one.done!.rxKey).seal([Uint8Array.of(1)])
    assert.strictEqual(new Record.Opener(two.done!.rxKey).feed(replayed, () => undefined)?._tag, "RecordForged")
  })

  it("cannot be fed once it is over", () => {
    const responder = Noise.responder(ben)
    responder.feed(Buffer.from("nonsense"))
    assert.throws(() => responder.feed(Uint8Array.of(1)), "over")
  })
})
