/**
 * Bodies of native blocks (docs/PROTOCOL.md, 11.1): items that only programs understand, `u32 count | (u32 length | bytes)*`,
 * big-endian, and nothing after them. One list of items has one encoding, so that its hash stands for it.
 */
import { hash } from "node:crypto"
import { Result } from "effect"
import type { BlockHeader } from "./BlockHeader.ts"
import { ChainInvalid } from "./ChainInvalid.ts"
import * as Id from "./Id.ts"

/** Most bytes of a body where a chain does not say otherwise. */
export const defaultBytes = 1024 * 1024
/** Most bytes that a chain may allow: so many fit a frame. */
export const mostBytes = 2 * 1024 * 1024

const countSize = 4
const lengthSize = 4

/** How many bytes the body of these items has. */
export const sizeOf = (items: ReadonlyArray<Uint8Array>): number =>
  items.reduce((sum, item) => sum + lengthSize + item.length, countSize)

/** A body, of whatever size: `sizeOf` tells before. */
export const encode = (items: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(sizeOf(items))
  const view = new DataView(out.buffer)
  view.setUint32(0, items.length)
  let at = countSize
  for (const item of items) {
    view.setUint32(at, item.length)
    out.set(item, at + lengthSize)
    at += lengthSize + item.length
  }
  return out
}

const invalid = (reason: ChainInvalid["reason"], detail: string): Result.Result<never, ChainInvalid> =>
  Result.fail(new ChainInvalid({ what: "body", reason, detail }))

/** The items of a body of at most so many bytes: views of it. */
export const decode = (
  bytes: Uint8Array,
  most: number = mostBytes
): Result.Result<ReadonlyArray<Uint8Array>, ChainInvalid> => {
  if (bytes.length > most) return invalid("too-large", `${bytes.length} bytes, ${most} at most`)
  if (bytes.length < countSize) return invalid("truncated", `${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = view.getUint32(0)
  // Before anything is made of so many.
  if (count * lengthSize > bytes.length - countSize) {
    return invalid("truncated", `${count} items are announced, there are ${bytes.length} bytes`)
  }
  const items: Array<Uint8Array> = []
  let at = countSize
  for (let index = 0; index < count; index++) {
    const from = at + lengthSize
    const end = from > bytes.length ? Number.POSITIVE_INFINITY : from + view.getUint32(at)
    if (end > bytes.length) return invalid("truncated", `it ends in item ${index + 1} of ${count}`)
    items.push(bytes.subarray(from, end))
    at = end
  }
  return at === bytes.length
    ? Result.succeed(items)
    : invalid("trailing", `${bytes.length - at} bytes after ${count} items`)
}

/** From so many bytes on, OpenSSL with the processor's own instructions makes up for what calling it costs. */
const large = 256

/** What the header of a block with this body has as its payload: the SHA-256 of the body, in hex. */
export const payloadOf = (body: Uint8Array): string =>
  body.length < large ? Id.sha256(body) : hash("sha256", body, "hex")

/** Whether this is the body that the header promises. Its items may still be none. */
export const isBodyOf = (header: Pick<BlockHeader, "payload">, body: Uint8Array): boolean =>
  payloadOf(body) === header.payload
