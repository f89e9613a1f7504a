/**
 * Kill rounds for as long as one likes: `npm run soak -- --rounds 500 --seed 7 --database pglite`.
 *
 * Each run of rounds ends with the accounting; runs go on with the next seed until the rounds are used up. Ends with 1
 * at the first fault, and says with which seed to see it again.
 */
import { parseArgs } from "node:util"
import { faults } from "./Pair.ts"
import { run, summary } from "./Rounds.ts"

const usage = `kill rounds against two node processes under load

  --rounds <n>      rounds altogether (200)
  --seed <n>        the first seed (a random one)
  --database <d>    postgres, pglite or both (both)
  --each <n>        rounds between two accountings (40)
`

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "200" },
    seed: { type: "string" },
    database: { type: "string", default: "both" },
    each: { type: "string", default: "40" },
    help: { type: "boolean", default: false }
  }
})

const count = (name: string, text: string): number => {
  const n = Number(text)
  if (Number.isSafeInteger(n) && n >= 0) return n
  throw new Error(`--${name} is a whole number, not "${text}"`)
}

const soak = async (): Promise<void> => {
  const rounds = count("rounds", values.rounds)
  const each = Math.max(1, count("each", values.each))
  const first = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : count("seed", values.seed)
  if (!["postgres", "pglite", "both"].includes(values.database))
    throw new Error(`--database is not "${values.database}"`)
  const from = Date.now()
  for (let done = 0, seed = first; done < rounds; seed++) {
    const driver =
      values.database === "postgres" || (values.database === "both" && seed % 2 === 0) ? "postgres" : "pglite"
    const now = Math.min(each, rounds - done)
    console.log(`seed ${seed} on ${driver}: ${now} rounds, ${done} of ${rounds} done`)
    const outcome = await run({
      driver,
      seed,
      rounds: now,
      progress: (line) => console.log(`${((Date.now() - from) / 1000).toFixed(1)} s  ${line}`)
    })
    console.log(JSON.stringify(summary(outcome), null, 2))
    const found = faults(outcome)
    if (found.length > 0) {
      throw new Error(`${found.join("\n")}\nagain: --seed ${seed} --rounds ${now} --each ${now} --database ${driver}`)
    }
    done += now
  }
  console.log(`${rounds} rounds, nothing lost, nothing repeated`)
}

if (values.help) console.log(usage)
else {
  soak().catch((error: unknown) => {
    console.error(error)
    process.exitCode = 1
  })
}
