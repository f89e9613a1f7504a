import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Logger, PlatformError, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import { Hex } from "effect/encoding"
import { inspect } from "node:util"
import * as IdentityFile from "../../src/layers/IdentityFile.ts"
import * as IdentityMemory from "../../src/layers/IdentityMemory.ts"
import * as NodeKey from "../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../src/protocol/NodeSecret.ts"
import { Identity } from "../../src/services/link/Identity.ts"

const seed = new Uint8Array(32).fill(7)
const message = new TextEncoder().encode("owed and owing")

/** Different bytes at every call. */
const random = Layer.sync(SecureRandom.SecureRandom, () => {
  let calls = 0
  return SecureRandom.make((size) => new Uint8Array(size).fill(++calls))
})

const load = (path: string, options?: IdentityFile.Options) =>
  Identity.pipe(Effect.provide(IdentityFile.layer(path, options)))

const onDisk = Layer.mergeAll(NodeFileSystem.layer, random)

const unsupported = (description: string) =>
  PlatformError.systemError({ _tag: "Unknown", module: "FileSystem", method: "link", description })

/** A path in a folder of its own that goes away with the test. */
const somePath = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  return `${yield* fs.makeTempDirectoryScoped()}/identity.json`
})

describe("NodeSecret", () => {
  // RFC 8032, section 7.1, test 1.
  it("derives the key and the signature that RFC 8032 gives", () => {
    const secret = NodeSecret.fromSeed(
      Uint8Array.from(Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex"))
    )
    assert.strictEqual(secret.key, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert.strictEqual(
      Hex.encode(NodeSecret.sign(secret, new Uint8Array(0))),
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
  })

  it("verifies its own signatures and nothing else", () => {
    const secret = NodeSecret.fromSeed(seed)
    const signature = NodeSecret.sign(secret, message)
    assert.isTrue(NodeSecret.verify(secret.key, message, signature))
    const other = NodeSecret.fromSeed(new Uint8Array(32)).key
    assert.isFalse(NodeSecret.verify(other, message, signature))
    assert.isFalse(NodeSecret.verify(secret.key, message.subarray(1), signature))
    assert.isFalse(NodeSecret.verify(secret.key, message, signature.subarray(1)))
    assert.isFalse(NodeSecret.verify(secret.key, message, new Uint8Array([...signature, 0])))
    assert.isFalse(NodeSecret.verify(NodeKey.NodeKey.make("0".repeat(64)), message, signature))
    for (let bit = 0; bit < 512; bit += 7) {
      const damaged = Uint8Array.from(signature)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      assert.isFalse(NodeSecret.verify(secret.key, message, damaged), `bit ${bit}`)
    }
  })

  it("converts the public key alone to the key that the secret converts to", () => {
    const secret = NodeSecret.fromSeed(seed)
    assert.deepStrictEqual(NodeSecret.linkPublicKey(secret.key), secret.linkKeys.publicKey)
    assert.isUndefined(NodeSecret.linkPublicKey(NodeKey.NodeKey.make("0".repeat(64))))
  })
})

describe("IdentityMemory", () => {
  it.effect("is the same node for the same seed, and signs as it", () =>
    Effect.gen(function* () {
      const identity = yield* Identity
      assert.strictEqual(identity.key, NodeSecret.fromSeed(seed).key)
      assert.isTrue(NodeSecret.verify(identity.key, message, identity.sign(message)))
    }).pipe(Effect.provide(IdentityMemory.layerFromSeed(seed)))
  )

  it.effect("is a new node without one", () =>
    Effect.gen(function* () {
      const fresh = Identity.pipe(Effect.map((identity) => identity.key))
      const one = yield* fresh.pipe(Effect.provide(Layer.fresh(IdentityMemory.layer)))
      const two = yield* fresh.pipe(Effect.provide(Layer.fresh(IdentityMemory.layer)))
      assert.notStrictEqual(one, two)
    }).pipe(Effect.provide(random))
  )

  it.effect("shows no secret when it is printed", () =>
    Effect.gen(function* () {
      const identity = yield* Identity
      const shown = inspect(identity, { depth: 10, showHidden: true }) + JSON.stringify(identity)
      const secret = NodeSecret.fromSeed(seed)
      const { buffer, byteOffset } = Redacted.value(secret.linkKeys.secretKey)
      const bytes = new Uint8Array(buffer, byteOffset, 32)
      for (const form of [
        Hex.encode(bytes),
        [...bytes].join(","),
        [...bytes].join(", "),
        `"0":${bytes[0]},"1":${bytes[1]}`
      ]) {
        assert.notInclude(shown.replace(/\s+/g, " "), form)
      }
      assert.include(shown, identity.key)
    }).pipe(Effect.provide(IdentityMemory.layerFromSeed(seed)))
  )
})

describe("IdentityFile", () => {
  it.layer(onDisk)((it) => {
    it.effect("makes the file at the first start and is the same node ever after", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* somePath
        const first = yield* load(path)
        const second = yield* load(path)
        assert.strictEqual(second.key, first.key)
        assert.isTrue(NodeSecret.verify(first.key, message, second.sign(message)))
        const info = yield* fs.stat(path)
        assert.strictEqual(info.mode & 0o777, 0o600)
        assert.deepStrictEqual(yield* fs.readDirectory(path.replace("/identity.json", "")), ["identity.json"])
      })
    )

    it.effect("is one node if two processes start at once", () =>
      Effect.gen(function* () {
        const path = yield* somePath
        const keys = yield* Effect.all(
          Array.from({ length: 8 }, () => load(path)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(new Set(keys.map((identity) => identity.key)).size, 1)
        assert.strictEqual((yield* load(path)).key, keys[0]!.key)
      })
    )

    it.effect("never replaces the file of a process that was faster", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* somePath
        let faster: NodeKey.NodeKey | undefined
        const overtaken = Layer.succeed(FileSystem.FileSystem, {
          ...fs,
          // The other process starts and finishes after this one found no file and before it writes its own.
          open: (name, options) =>
            Effect.gen(function* () {
              if (options?.flag === "wx") faster = (yield* Effect.orDie(other)).key
              return yield* fs.open(name, options)
            })
        })
        const other = load(path).pipe(Effect.provide(random), Effect.provideService(FileSystem.FileSystem, fs))
        const slower = yield* load(path).pipe(Effect.provide(overtaken))
        assert.strictEqual(slower.key, faster)
        assert.strictEqual((yield* load(path)).key, faster)
      })
    )

    it.effect("logs the key of a new node and not its secret", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const lines: Array<string> = []
        const logger = Logger.layer([Logger.formatLogFmt.pipe(Logger.map((line) => void lines.push(line)))])
        const path = yield* somePath
        const { key } = yield* load(path).pipe(Effect.provide(logger))
        const secret = (JSON.parse(yield* fs.readFileString(path)) as { seed: string }).seed
        assert.strictEqual(lines.length, 1)
        assert.include(lines[0], key)
        assert.notInclude(lines[0], secret)
      })
    )

    for (const mode of [0o640, 0o604, 0o660, 0o622, 0o601]) {
      it.effect(`refuses a file with mode ${mode.toString(8)} and says what to do`, () =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const path = yield* somePath
          const { key } = yield* load(path)
          yield* fs.chmod(path, mode)
          const failure = yield* Effect.flip(load(path))
          assert.deepStrictEqual(failure, new IdentityFile.IdentityExposed({ path, mode }))
          assert.include(failure.message, `chmod 600 "${path}"`)
          assert.strictEqual((yield* load(path, { checkPermissions: false })).key, key)
          yield* fs.chmod(path, 0o400)
          assert.strictEqual((yield* load(path)).key, key)
        })
      )
    }

    const good = { holdfast: "identity", version: 1, key: NodeSecret.fromSeed(seed).key, seed: Hex.encode(seed) }
    for (const [what, text] of [
      ["an empty file", ""],
      ["half a file", JSON.stringify(good).slice(0, 90)],
      ["something else", "-----BEGIN OPENSSH PRIVATE KEY-----"],
      ["bytes that are no text", "\u0000\ufffd\u0001"],
      ["a later version", JSON.stringify({ ...good, version: 2 })],
      ["a short seed", JSON.stringify({ ...good, seed: good.seed.slice(2) })],
      ["a seed of another key", JSON.stringify({ ...good, seed: "08" + good.seed.slice(2) })],
      ["far too much", JSON.stringify({ ...good, more: "x".repeat(100_000) })]
    ] as const) {
      it.effect(`refuses ${what}, leaves it alone and does not quote it`, () =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const path = yield* somePath
          yield* fs.writeFileString(path, text, { mode: 0o600 })
          const failure = yield* Effect.flip(load(path))
          assert.strictEqual(failure._tag, "IdentityMalformed")
          assert.include(failure.message, "backup")
          assert.notInclude(inspect(failure, { depth: 10 }), good.seed.slice(4, 20))
          assert.strictEqual(yield* fs.readFileString(path), text)
        })
      )
    }

    it.effect("accepts what the documentation shows", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* somePath
        yield* fs.writeFileString(path, JSON.stringify(good, null, 2), { mode: 0o600 })
        assert.strictEqual((yield* load(path)).key, good.key)
      })
    )

    it.effect("refuses a folder in the place of the file", () =>
      Effect.gen(function* () {
        const path = (yield* somePath).replace("/identity.json", "")
        assert.strictEqual((yield* Effect.flip(load(path)))._tag, "IdentityMalformed")
      })
    )

    it.effect("names the folder that is missing", () =>
      Effect.gen(function* () {
        const path = (yield* somePath).replace("identity.json", "missing/identity.json")
        const failure = yield* Effect.flip(load(path))
        assert.strictEqual(failure._tag, "IdentityInaccessible")
        assert.include(failure.message, "cannot create")
        assert.include(failure.message, path)
        assert.include(failure.message, "folder exists")
      })
    )

    it.effect("leaves nothing behind if the file cannot be put in its place", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* somePath
        const full = () => Effect.fail(unsupported("the disk is full"))
        const broken = Layer.succeed(FileSystem.FileSystem, { ...fs, link: full, rename: full })
        const failure = yield* Effect.flip(load(path).pipe(Effect.provide(broken)))
        assert.strictEqual(failure._tag, "IdentityInaccessible")
        assert.include(failure.message, "the disk is full")
        assert.deepStrictEqual(yield* fs.readDirectory(path.replace("/identity.json", "")), [])
      })
    )

    it.effect("puts the file in its place by renaming where there are no links", () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* somePath
        const linkless = Layer.succeed(FileSystem.FileSystem, {
          ...fs,
          link: () => Effect.fail(unsupported("no links here"))
        })
        const { key } = yield* load(path).pipe(Effect.provide(linkless))
        assert.strictEqual((yield* load(path)).key, key)
      })
    )
  })
})
