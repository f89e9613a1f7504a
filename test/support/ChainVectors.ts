/**
 * The bytes of the native chain's formats as they must stay, from `test/vectors/chain`: made by a program that shares nothing with the
 * sources but docs/PROTOCOL.md, 11.
 */
import { readFileSync } from "node:fs"
import { Schema } from "effect"
import { ChainClaim } from "../../src/protocol/chain/ChainClaim.ts"
import type { ChainMessage } from "../../src/protocol/chain/ChainMessage.ts"
import * as BlockHeader from "../../src/protocol/chain/BlockHeader.ts"
import { ChainSettings } from "../../src/protocol/chain/Genesis.ts"

const HeaderVector = Schema.Struct({
  name: Schema.String,
  height: Schema.Natural,
  previous: Schema.String,
  payload: Schema.String,
  time: Schema.Natural,
  producer: Schema.String,
  weight: Schema.Natural,
  signature: Schema.NullOr(Schema.Uint8ArrayFromHex),
  id: Schema.String,
  hex: Schema.Uint8ArrayFromHex
})
type HeaderVector = typeof HeaderVector.Type

const hexes = Schema.Array(Schema.Uint8ArrayFromHex)
const frame = { kind: Schema.Natural, hex: Schema.Uint8ArrayFromHex }
const ids = Schema.Array(Schema.String)

const Vectors = Schema.Struct({
  bodies: Schema.Array(Schema.Struct({ items: hexes, hex: Schema.Uint8ArrayFromHex, payload: Schema.String })),
  genesis: Schema.Array(
    Schema.Struct({
      settings: Schema.toCodecJson(ChainSettings),
      consensus: Schema.String,
      hex: Schema.Uint8ArrayFromHex,
      id: Schema.String
    })
  ),
  headers: Schema.Array(HeaderVector),
  frames: Schema.Array(
    Schema.Union([
      Schema.Struct({ tag: Schema.Literal("Ask"), locator: ids, ...frame }),
      Schema.Struct({ tag: Schema.Literal("Headers"), headers: ids, ...frame }),
      Schema.Struct({ tag: Schema.Literal("Want"), request: Schema.Natural, ids, ...frame }),
      Schema.Struct({
        tag: Schema.Literal("Blocks"),
        request: Schema.Natural,
        bodies: hexes,
        missing: Schema.Boolean,
        ...frame
      }),
      Schema.Struct({
        tag: Schema.Literal("Tip"),
        headers: ids,
        body: Schema.NullOr(Schema.Uint8ArrayFromHex),
        ...frame
      })
    ])
  ),
  claim: Schema.Struct({
    id: Schema.String,
    genesis: Schema.String,
    tip: Schema.String,
    height: Schema.Natural,
    hex: Schema.Uint8ArrayFromHex
  })
})

export const vectors = Schema.decodeUnknownSync(Schema.fromJsonString(Vectors))(
  readFileSync("test/vectors/chain/native.json", "utf8")
)

export const headerOf = ({ hex: _hex, name: _name, signature, ...fields }: HeaderVector): BlockHeader.BlockHeader => ({
  ...fields,
  signature: signature ?? undefined
})

const byId = new Map(vectors.headers.map((vector) => [vector.id, headerOf(vector)]))
const named = (of: ReadonlyArray<string>) => of.map((id) => byId.get(id)!)

/** What the frame of a vector says. */
export const messageOf = (vector: (typeof vectors.frames)[number]): ChainMessage => {
  switch (vector.tag) {
    case "Ask":
      return { _tag: "Ask", locator: vector.locator }
    case "Headers":
      return { _tag: "Headers", headers: named(vector.headers) }
    case "Want":
      return { _tag: "Want", request: vector.request, ids: vector.ids }
    case "Blocks":
      return { _tag: "Blocks", request: vector.request, bodies: vector.bodies, missing: vector.missing }
    case "Tip":
      return { _tag: "Tip", headers: named(vector.headers), body: vector.body ?? undefined }
  }
}

export const claimOf = ({ genesis, height, id, tip }: (typeof vectors)["claim"]): ChainClaim => ({
  id,
  genesis,
  tip,
  height
})
