/** How blocks are asked for: a value for each wire, which differ in how much one request may name. */

export interface Policy {
  /** Blocks beyond the applied tip that may be asked for or held. */
  readonly window: number
  /** Bytes that are held or expected. Only the first missing block is asked for, and kept, beyond them. */
  readonly mostBytes: number
  /** Blocks of one request: so many as make up `bytes`, by the mean of what came, within `least` and `most`. */
  readonly chunk: { readonly least: number; readonly most: number; readonly bytes: number }
  /** Requests that a peer owes at once. */
  readonly perPeer: number
  /** What holds the first missing block is late after so long, while the line is not known to be slow. */
  readonly lateMillis: number
  /** But not before so many times the time that its peer should take. */
  readonly lateFactor: number
  /** How often others are asked in a peer's place until it is slow. */
  readonly mostHedges: number
  /** For how long it is; what is not here after that is late in any case, and given up if two peers owe it. */
  readonly slowMillis: number
  /** What `lateMillis` is multiplied with at the most, after everybody was late. */
  readonly mostWiden: number
}

/** Native chains. */
export const defaults: Policy = {
  window: 1_024,
  mostBytes: 67_108_864,
  chunk: { least: 16, most: 64, bytes: 1_048_576 },
  perPeer: 2,
  lateMillis: 1_000,
  lateFactor: 3,
  mostHedges: 2,
  slowMillis: 30_000,
  mostWiden: 64
}

/** Bitcoin: 16 blocks of a peer on their way at the most, and stalls as its nodes count them; blocks may be large. */
export const bitcoin: Policy = {
  ...defaults,
  chunk: { least: 1, most: 8, bytes: 4_194_304 },
  lateMillis: 2_000
}
