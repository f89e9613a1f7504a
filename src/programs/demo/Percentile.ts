/** The smallest of these values that at least `percent` per cent of them do not exceed; `undefined` for none. */
export const percentile = (values: ReadonlyArray<number>, percent: number): number | undefined => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]
}
