/** What everybody does who is compared: takes the bytes of a connection in pieces, and says what it has decoded. */
export interface Decoded {
  messages: number
  /** Items of inventories, headers and transactions among them. */
  items: number
}

export interface Decoding {
  /** Takes a piece as a socket brings it; what is returned is waited for before the next. */
  readonly feed: (piece: Uint8Array) => Promise<void> | undefined
  /** All that came so far, once it is decoded. */
  readonly finished: () => Promise<Decoded>
}

export interface Contender {
  /** For a connection that has just been made; with `ids`, the id of every header of `headers` is computed as well. */
  readonly open: (ids: boolean) => Promise<Decoding>
}

/** As much as a socket of Node reads at once, in bytes. */
export const piece = 64 * 1024

/** A stream in such pieces. */
export const piecesOf = (bytes: Uint8Array): ReadonlyArray<Buffer> => {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = Math.ceil(whole.length / piece)
  return Array.from({ length: count }, (_, index) => whole.subarray(index * piece, (index + 1) * piece))
}
