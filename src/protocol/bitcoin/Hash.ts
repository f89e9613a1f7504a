/**
 * Ids of blocks and transactions. On the wire they are 32 bytes; displayed, their bytes are reversed, in hex. That text is what this
 * project passes around: it is a key of maps and columns, and what explorers and other nodes show.
 */

/** 32 bytes of zeros: no block, as the parent of the first one. */
export const zero = "0".repeat(64)

/** The text of 32 bytes of the wire. */
export const display = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString("hex")

/** The bytes on the wire of such a text. */
export const wire = (text: string): Uint8Array => Buffer.from(text, "hex").reverse()

/** The number that the bytes are, the lowest first: what proof of work compares with its target. */
export const number = (text: string): bigint => BigInt(`0x${text}`)
