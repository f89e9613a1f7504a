/**
 * Ways to spoil bytes, seeded so that a failure can be repeated.
 */

/** A small generator of 32-bit numbers (mulberry32); the same seed gives the same numbers. */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** `length` random bytes. */
export const noise = (random: () => number, length: number): Uint8Array =>
  Uint8Array.from({ length }, () => Math.floor(random() * 256))

/** Every proper prefix. */
export function* truncations(bytes: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < bytes.length; length++) yield bytes.slice(0, length)
}

/** Every variant with one bit turned. */
export function* bitFlips(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    // Not slice, which of a Buffer would be the same bytes.
    const flipped = Uint8Array.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    yield flipped
  }
}

/** A variant with a few bytes replaced, removed or doubled. */
export const mangled = (random: () => number, bytes: Uint8Array): Uint8Array => {
  let out = [...bytes]
  for (let n = 1 + Math.floor(random() * 4); n > 0; n--) {
    const at = Math.floor(random() * (out.length + 1))
    const byte = Math.floor(random() * 256)
    const kind = Math.floor(random() * 3)
    if (kind === 0) out[at] = byte
    else if (kind === 1) out = [...out.slice(0, at), ...out.slice(at + 1)]
    else out = [...out.slice(0, at), byte, ...out.slice(at)]
  }
  return Uint8Array.from(out)
}

/** `value` with the halves of surrogate pairs replaced in all its texts, which is how they leave. */
export const wellFormed = <A>(value: A): A => {
  const walk = (inner: unknown): unknown => {
    if (typeof inner === "string") return inner.toWellFormed()
    if (Array.isArray(inner)) return inner.map(walk)
    if (typeof inner !== "object" || inner === null || inner instanceof Uint8Array) return inner
    return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, walk(item)]))
  }
  return walk(value) as A
}
