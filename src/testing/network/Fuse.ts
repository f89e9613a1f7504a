/** Bytes until a connection is reset: the one by which they come to nought. A fuse may lie on many ways at once. */

/** `By` is what has brought the bytes. */
export interface Fuse<By> {
  /** Bytes. */
  left: number
  readonly blow: (by: By) => void
}

/** How many of so many bytes pass before the first of them blows. */
export const passing = <By>(fuses: Iterable<Fuse<By>>, size: number): number => {
  let most = size
  for (const { left } of fuses) most = Math.min(most, left)
  return most
}

/** Counts bytes that have passed; what has come to nought then blows. */
export const burn = <By>(fuses: Iterable<Fuse<By>>, size: number, by: By): void => {
  for (const fuse of fuses) {
    fuse.left -= size
    if (fuse.left <= 0) fuse.blow(by)
  }
}
