/**
 * The benchmark of credit: how fast chits and lifts are durable at all ends, and what a chit takes on a tally that has many.
 */
import { Effect } from "effect"
import { make } from "../test/support/credit/CreditNodes.ts"
import * as PostgresServer from "../test/support/PostgresServer.ts"
import type { Area, Findings, Options } from "./Area.ts"
import { judge } from "./Bars.ts"
import * as Play from "./credit/Play.ts"
import * as Works from "./credit/Works.ts"
import { Ledger } from "./Measurement.ts"

/** Everything with one database server; the curve once, since it takes as many chits as all else. */
const play = Effect.fnUntraced(function* ({ progress, quick, runs }: Options, ledger: Ledger, server: string) {
  const home = yield* make(() => PostgresServer.createDatabase(server))
  const amounts = Works.amounts(quick)
  return yield* Effect.promise(async () => {
    const pair = await Play.pair(home)
    const row = await Play.row(home)
    for (let run = 0; run < runs; run++) {
      const saying = `credit, run ${run + 1} of ${runs}`
      const sides: ReadonlyArray<Works.By> = run % 2 === 0 ? ["foil", "stock"] : ["stock", "foil"]
      for (const by of sides) {
        progress(`${saying}: ${Works.chits(by)}`)
        ledger.add(run, Works.contender, await Play.chits(pair, by, amounts))
      }
      progress(`${saying}: ${Works.lifts}`)
      ledger.add(run, Works.contender, await Play.lifts(row, amounts))
    }
    await Promise.all([pair.stock, pair.foil, ...row].map((home) => home.stop()))
    progress(`credit: ${Works.long}`)
    const { figures, rows } = await Play.curve(await Play.pair(home), amounts)
    ledger.add(0, Works.contender, figures)
    return rows
  })
}, Effect.scoped)

const measure = async (options: Options): Promise<Findings> => {
  const ledger = new Ledger()
  const server = await PostgresServer.start()
  try {
    const rows = await Effect.runPromise(play(options, ledger, server.url))
    const verdicts = options.quick ? [] : judge(Works.bars, ledger.measurements)
    return { measurements: ledger.measurements, verdicts, curve: { columns: Works.columns, rows } }
  } finally {
    await server.stop()
  }
}

export const credit: Area = {
  title: "Credit",
  ours: [Works.contender],
  notes: [
    "Every node is a process of its own with one user and a PostgreSQL database of its own on one server, fsync on, log level Error.",
    "A chit is a command of its own, signed by itself, 64 at a time (16 with --quick): those that come together share a commit. The time runs from the first command until both ends have all chits in one order and foil knows that stock has.",
    "A lift is a payment of a user to another one over a third: the way is looked for, the lift planned, promised by three nodes, decided by the payor's, and the event that it is good is read by the payor. 16 at a time (4 with --quick) for the rate, one at a time for p50 and p99.",
    "A long tally: chits of stock, one at a time, each until both ends have it. Statements are those of both nodes, timers included, and without those of the wait, which looks at the half every 10 ms: p50 is no finer. The curve is taken once, whatever --runs says."
  ],
  measure
}
