/**
 * A look over CBOR bytes before anything is built from them: one item, definite lengths, text keys that differ, no
 * tags, and limits on depth, items and keys.
 *
 * A general decoder gives a sender more power than a body needs: shared references that make cycles, tags that
 * construct dates and errors, recursion as deep as the input. None of that passes here. Costs one pass, no recursion.
 */

/** Arrays and maps inside each other. */
export const maxDepth = 32
/** Items of all kinds in one body. */
export const maxItems = 262_144
/** Keys of one map. */
export const maxKeys = 1_024

interface Container {
  /** Items still to come, a key and its value counting as two. */
  left: number
  readonly keys: Array<Key> | undefined
}

interface Key {
  readonly hash: number
  readonly start: number
  readonly end: number
}

const keyOf = (bytes: Uint8Array, start: number, end: number): Key => {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return { hash, start, end }
}

const sameKey = (bytes: Uint8Array, a: Key, b: Key): boolean => {
  if (a.hash !== b.hash || a.end - a.start !== b.end - b.start) return false
  for (let i = 0; i < a.end - a.start; i++) if (bytes[a.start + i] !== bytes[b.start + i]) return false
  return true
}

/** The argument of a header at `at`: its value as far as a number can say it, and where the header ends. */
const argument = (bytes: Uint8Array, at: number, info: number): { readonly value: number; readonly end: number } => {
  if (info < 24) return { value: info, end: at + 1 }
  const width = 1 << (info - 24)
  let value = 0
  for (let i = 1; i <= width; i++) value = value * 256 + (bytes[at + i] ?? Number.NaN)
  return { value, end: at + 1 + width }
}

/** Why `bytes` are not a body, or `undefined` if they may be decoded. */
export const objection = (bytes: Uint8Array): string | undefined => {
  const open: Array<Container> = [{ left: 1, keys: undefined }]
  let at = 0
  for (let items = 1; open.length > 0; items++) {
    if (items > maxItems) return `more than ${maxItems} items`
    if (at >= bytes.length) return "the bytes end inside an item"
    const major = bytes[at]! >> 5
    const info = bytes[at]! & 0x1f
    if (info > 27) return "a length is missing or reserved"
    const { end, value } = argument(bytes, at, info)
    if (end > bytes.length) return "the bytes end inside an item"
    const inside = open.at(-1)!
    const isKey = inside.keys !== undefined && inside.left % 2 === 0
    if (isKey && major !== 3) return "a key is not text"
    inside.left--
    at = end
    if (major === 2 || major === 3) {
      at = end + value
      if (at > bytes.length) return "the bytes end inside an item"
      if (isKey) {
        const key = keyOf(bytes, end, at)
        if (inside.keys.some((other) => sameKey(bytes, other, key))) return "a key comes twice"
        inside.keys.push(key)
      }
    } else if (major === 4 || major === 5) {
      if (value > bytes.length - end) return "more items are announced than there are bytes"
      if (major === 5 && value > maxKeys) return `more than ${maxKeys} keys`
      if (open.length > maxDepth) return `more than ${maxDepth} arrays and maps inside each other`
      open.push({ left: major === 5 ? value * 2 : value, keys: major === 5 ? [] : undefined })
    } else if (major === 6) return "tags are not used here"
    while (open.length > 0 && open.at(-1)!.left === 0) open.pop()
  }
  return at === bytes.length ? undefined : "bytes follow the item"
}
