/**
 * ASK, HEADERS, WANT, BLOCKS and TIP: what nodes of one native chain say to each other on a live session (docs/PROTOCOL.md, 11.3).
 *
 * What is decoded keeps its limits and is whole: headers are headers that follow each other, ids are ids. Whether it was asked for, and
 * whether the blocks are valid, is not asked here. Bodies of blocks are views of the frame they came in.
 */
import { Result, Schema } from "effect"
import { BodyInvalid, type Codec, codec } from "../Cbor.ts"
import { type Frame, Kind } from "../link/Frame.ts"
import * as Block from "./Block.ts"
import * as BlockHeader from "./BlockHeader.ts"
import type { ChainInvalid } from "./ChainInvalid.ts"
import * as Id from "./Id.ts"

type Header = BlockHeader.BlockHeader

/** Most ids of an ASK and of a WANT, and most bodies of a BLOCKS. */
export const mostIds = 64
/** Most headers of a HEADERS. */
export const mostHeaders = 2_000
/** Most headers of a TIP. */
export const mostTip = 8
/** Most bytes of the bodies in one BLOCKS, where there is more than one. */
export const mostBodies = 1024 * 1024
/** Most bytes of the body in a TIP. */
export const mostTipBody = 64 * 1024

export type ChainMessage =
  /** What comes after the first of these blocks that the other side has. */
  | { readonly _tag: "Ask"; readonly locator: ReadonlyArray<string> }
  | { readonly _tag: "Headers"; readonly headers: ReadonlyArray<Header> }
  /** The bodies of these blocks. */
  | { readonly _tag: "Want"; readonly request: number; readonly ids: ReadonlyArray<string> }
  /** The next bodies that were wanted, in the order of the ids. `missing`: the other side has no more of them. */
  | {
      readonly _tag: "Blocks"
      readonly request: number
      readonly bodies: ReadonlyArray<Uint8Array>
      readonly missing: boolean
    }
  /** Headers up to the block that the other side has applied last, and its body where that side has made it. */
  | { readonly _tag: "Tip"; readonly headers: ReadonlyArray<Header>; readonly body: Uint8Array | undefined }

/** The kinds of their frames. */
export const kinds: ReadonlyArray<number> = [Kind.Ask, Kind.Headers, Kind.Want, Kind.Blocks, Kind.Tip]

const Request = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff_ffff }))
const Ids = Schema.Uint8Array.check(
  Schema.makeFilter(
    (bytes: Uint8Array) => bytes.length % Id.size === 0 && bytes.length > 0 && bytes.length <= mostIds * Id.size,
    { message: `1 to ${mostIds} ids of ${Id.size} bytes` }
  )
)
const headersUpTo = (most: number) => Schema.Uint8Array.check(Schema.isMaxLength(most * BlockHeader.maxSize))
const Bodies = Schema.Array(Schema.Uint8Array.check(Schema.isMaxLength(Block.mostBytes))).check(
  Schema.isMaxLength(mostIds),
  Schema.makeFilter(
    (bodies: ReadonlyArray<Uint8Array>) =>
      bodies.length <= 1 || bodies.reduce((sum, { length }) => sum + length, 0) <= mostBodies,
    { message: `several bodies of at most ${mostBodies} bytes` }
  )
)

const ask = codec("ASK", Schema.Struct({ locator: Ids }))
const headers = codec("HEADERS", Schema.Struct({ headers: headersUpTo(mostHeaders) }))
const want = codec("WANT", Schema.Struct({ request: Request, ids: Ids }))
const blocks = codec(
  "BLOCKS",
  Schema.Struct({ request: Request, bodies: Bodies, missing: Schema.optionalKey(Schema.Boolean) }).check(
    Schema.makeFilter(({ bodies, missing }) => bodies.length > 0 || missing === true, {
      message: "a body, or that there is none"
    })
  )
)
const tip = codec(
  "TIP",
  Schema.Struct({
    headers: headersUpTo(mostTip).check(Schema.isMinLength(1)),
    body: Schema.optionalKey(Schema.Uint8Array.check(Schema.isMaxLength(mostTipBody)))
  })
)

type Decoded = Result.Result<ChainMessage, BodyInvalid>

const read = <A>(of: Codec<A>, bytes: Uint8Array, make: (body: A) => Decoded): Decoded =>
  Result.flatMap(of.decode(bytes), make)

/** Headers of a frame, as a part of what it says. */
const withHeaders = (
  what: string,
  bytes: Uint8Array,
  most: number,
  make: (headers: ReadonlyArray<Header>) => ChainMessage
): Decoded =>
  Result.mapBoth(BlockHeader.decodeAll(bytes, most), {
    onFailure: ({ message }: ChainInvalid) => new BodyInvalid({ what, detail: message }),
    onSuccess: make
  })

/** What a frame says; nothing if it is of another kind. */
export const decode = ({ body, kind }: Frame): Decoded | undefined => {
  switch (kind) {
    case Kind.Ask:
      return read(ask, body, ({ locator }) => Result.succeed({ _tag: "Ask", locator: Id.split(locator) }))
    case Kind.Headers:
      return read(headers, body, (read) =>
        withHeaders("HEADERS", read.headers, mostHeaders, (headers) => ({ _tag: "Headers", headers }))
      )
    case Kind.Want:
      return read(want, body, ({ ids, request }) => Result.succeed({ _tag: "Want", request, ids: Id.split(ids) }))
    case Kind.Blocks:
      return read(blocks, body, ({ bodies, missing = false, request }) =>
        Result.succeed({ _tag: "Blocks", request, bodies, missing })
      )
    case Kind.Tip:
      return read(tip, body, (read) =>
        withHeaders("TIP", read.headers, mostTip, (headers) => ({ _tag: "Tip", headers, body: read.body }))
      )
    default:
      return undefined
  }
}

/** The frame of a message, which must keep the limits above: beyond them it throws. */
export const encode = (message: ChainMessage): Frame => {
  switch (message._tag) {
    case "Ask":
      return { kind: Kind.Ask, body: ask.encode({ locator: Id.join(message.locator) }) }
    case "Headers":
      return { kind: Kind.Headers, body: headers.encode({ headers: BlockHeader.encodeAll(message.headers) }) }
    case "Want":
      return { kind: Kind.Want, body: want.encode({ request: message.request, ids: Id.join(message.ids) }) }
    case "Blocks": {
      const { bodies, missing, request } = message
      return { kind: Kind.Blocks, body: blocks.encode(missing ? { request, bodies, missing } : { request, bodies }) }
    }
    case "Tip": {
      const { body } = message
      const headers = BlockHeader.encodeAll(message.headers)
      return { kind: Kind.Tip, body: tip.encode(body === undefined ? { headers } : { headers, body }) }
    }
  }
}
