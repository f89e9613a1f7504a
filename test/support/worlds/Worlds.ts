/**
 * How many seeds the simulations of `npm test` run. `.ci/run` has more of them run afterwards by `npm run sim`, other ones for
 * every change, and `npm run test:soak -- --only worlds` five times as many of each of these.
 */
const factor = ((): number => {
  const given = process.env["HOLDFAST_TEST_WORLDS"] ?? ""
  if (given === "") return 1
  const times = Number(given)
  if (Number.isSafeInteger(times) && times >= 1 && times <= 1_000) return times
  throw new RangeError(`HOLDFAST_TEST_WORLDS is "${given}", give a whole number from 1 to 1000`)
})()

/** So many seeds, or as many times as many as `HOLDFAST_TEST_WORLDS` says. */
export const worlds = (seeds: number): number => seeds * factor
