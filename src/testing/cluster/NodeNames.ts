/** What the nodes of a simulated cluster are called. */

/** "a" to "z", then "n26", "n27" and so on. */
export const nodeNames = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => (index < 26 ? String.fromCharCode(97 + index) : `n${index}`))
