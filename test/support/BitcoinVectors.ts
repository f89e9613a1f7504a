/** The test data of test/vectors/bitcoin, decoded. Each file says how it was made. */
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { type Network, networks } from "../../src/protocol/bitcoin/Network.ts"

export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"))
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

export const networkNamed = (name: string): Network => {
  const network = networks.get(name)
  if (network === undefined) throw new Error(`no network ${name}`)
  return network
}

const cases = <A, I>(file: string, schema: Schema.Codec<A, I>): ReadonlyArray<A> => {
  const text = readFileSync(new URL(`../vectors/bitcoin/${file}.json`, import.meta.url), "utf8")
  return Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ cases: Schema.Array(schema) })))(text).cases
}

export const compactSizes = () =>
  cases(
    "01-compactsize",
    Schema.Struct({
      id: Schema.String,
      hex: Schema.String,
      value: Schema.optionalKey(Schema.String),
      consumed: Schema.optionalKey(Schema.Int),
      expect: Schema.optionalKey(Schema.String)
    })
  )

export const framings = () =>
  cases(
    "02-framing",
    Schema.Struct({
      id: Schema.String,
      network: Schema.String,
      hex: Schema.String,
      expect: Schema.String,
      command: Schema.optionalKey(Schema.String),
      commands: Schema.optionalKey(Schema.Array(Schema.NullOr(Schema.String))),
      payload: Schema.optionalKey(Schema.String)
    })
  )

export const blockHeaders = () =>
  cases(
    "07-header-chain",
    Schema.Struct({
      hex: Schema.String,
      version: Schema.Int,
      prev: Schema.String,
      merkleRoot: Schema.String,
      time: Schema.Int,
      bits: Schema.String,
      nonce: Schema.Int,
      hash: Schema.String,
      height: Schema.Int
    })
  )

export const proofs = () =>
  cases(
    "08-pow",
    Schema.Union([
      Schema.Struct({
        kind: Schema.Literal("compact"),
        bits: Schema.String,
        target: Schema.NullOr(Schema.String),
        validForMain: Schema.Boolean,
        validForRegtest: Schema.Boolean,
        work: Schema.NullOr(Schema.String)
      }),
      Schema.Struct({
        kind: Schema.Literal("check"),
        header: Schema.String,
        limit: Schema.Literals(["main", "regtest"]),
        ok: Schema.Boolean
      }),
      Schema.Struct({
        kind: Schema.Literal("legacy-retarget"),
        firstTime: Schema.Int,
        lastTime: Schema.Int,
        lastBits: Schema.String,
        expectedBits: Schema.String
      })
    ])
  )

export const locators = () =>
  cases(
    "09-locators",
    Schema.Struct({
      id: Schema.String,
      locatorStartHeight: Schema.Int,
      expectedHeights: Schema.Array(Schema.Int)
    })
  )

const Fields = Schema.Record(Schema.String, Schema.Unknown)

/** `03-messages` of several implementations' codecs, and `05-captured` of running nodes. */
export const messages = (file: "03-messages" | "05-captured") =>
  cases(
    file,
    Schema.Struct({
      id: Schema.String,
      network: Schema.String,
      command: Schema.String,
      frame: Schema.String,
      payload: Schema.String,
      fields: Schema.NullOr(Fields)
    })
  )

export const edgeCases = () =>
  cases(
    "04-payload-edge-cases",
    Schema.Struct({
      id: Schema.String,
      command: Schema.String,
      payload: Schema.String,
      expect: Schema.String
    })
  )

export const blocks = () =>
  cases(
    "06-blocks",
    Schema.Struct({
      id: Schema.String,
      raw: Schema.String,
      header: Schema.Struct({ hash: Schema.String, merkleRoot: Schema.String }),
      txids: Schema.Array(Schema.String)
    })
  )

const Session = Schema.Struct({
  node: Schema.String,
  frames: Schema.Array(Schema.Struct({ dir: Schema.Literals(["in", "out"]), cmd: Schema.String, frame: Schema.String }))
})

/** What real nodes and one that dialled them have said to each other; "in" is what the node said. */
export const sessions = () =>
  Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ sessions: Schema.Array(Session) })))(
    readFileSync(new URL("../vectors/bitcoin/10-sessions.json", import.meta.url), "utf8")
  ).sessions
