/**
 * How sure a share is that was counted.
 */

/** The Wilson score interval of 95 % for `hits` of `of`: what the true share lies between. */
export const interval = (hits: number, of: number): readonly [low: number, high: number] => {
  if (of === 0) return [0, 1]
  const z = 1.959964
  const share = hits / of
  const scale = 1 + (z * z) / of
  const middle = share + (z * z) / (2 * of)
  const spread = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of))
  return [hits === 0 ? 0 : (middle - spread) / scale, hits === of ? 1 : (middle + spread) / scale]
}
