/** How many inputs the properties of `npm test` get. `npm run test:soak -- --only properties` gives a hundred times as many, others each time. */
const factor = ((): number => {
  const given = process.env["HOLDFAST_TEST_PROPERTIES"] ?? ""
  if (given === "") return 1
  const times = Number(given)
  if (Number.isSafeInteger(times) && times >= 1 && times <= 100_000) return times
  throw new RangeError(`HOLDFAST_TEST_PROPERTIES is "${given}", give a whole number from 1 to 100000`)
})()

/** The inputs are those that are the same for the same sources, not fresh ones. */
export const areRepeated = factor === 1

/** So many inputs, or as many times as many as `HOLDFAST_TEST_PROPERTIES` says. */
export const inputs = (runs: number): number => runs * factor
