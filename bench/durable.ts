/**
 * The durable benchmark: from the commit at the sender to the effect committed in the receiver's database, every end
 * in a process of its own. A figure is taken only if the receiver's database holds what was sent.
 */
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import * as PostgresServer from "../test/support/PostgresServer.ts"
import { type Area, type Findings, type Options, orGap } from "./Area.ts"
import { judge } from "./Bars.ts"
import type { Contender } from "./durable/Contender.ts"
import { contenders, names } from "./durable/Contenders.ts"
import { bars } from "./durable/DurableBars.ts"
import * as PeerSettings from "./durable/PeerSettings.ts"
import { play } from "./durable/Play.ts"
import * as ServerCounts from "./durable/ServerCounts.ts"
import { amounts, inOrder, metrics } from "./durable/Works.ts"
import { Ledger } from "./Measurement.ts"
import type { Installed } from "./servers/Server.ts"

interface Ready {
  readonly contender: Contender
  readonly installed: Installed | undefined
}

/** With what was behind it. */
const messageOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause === undefined ? cause.message : `${cause.message} (${messageOf(cause.cause)})`
}

/** Who can take part, and a note about everybody who cannot. */
const prepare = async ({ peers, progress }: Options) => {
  const ready: Array<Ready> = []
  const notes = new Set<string>()
  const left = contenders.filter(({ peer }) => peer && !peers).map(({ name }) => name)
  if (left.length > 0) notes.add(`GAP: no figures of ${left.join(", ")}: they are installed and measured with --peers.`)
  for (const contender of contenders) {
    if (contender.peer && !peers) continue
    try {
      const installed = await contender.server?.install()
      if (installed !== undefined) notes.add(`${installed.version}, one node, loopback.`)
      ready.push({ contender, installed })
    } catch (cause) {
      notes.add(`GAP: no figures of ${contender.name}: ${messageOf(cause)}.`)
      progress(`${contender.name} is missing: ${messageOf(cause)}`)
    }
  }
  return { ready, notes: [...notes] }
}

const inEmptyFolder = async (use: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), "holdfast-bench-"))
  try {
    await use(folder)
  } finally {
    await fs.rm(folder, { recursive: true, force: true })
  }
}

const measure = async (options: Options): Promise<Findings> => {
  const { peers, progress, quick, runs } = options
  const ledger = new Ledger()
  const amount = amounts(quick)
  const { notes, ready } = await prepare(options)
  const server = await PostgresServer.start()
  try {
    const settings = await ServerCounts.describe(server.url)
    for (let run = 0; run < runs; run++) {
      // Each run begins with another contender, so that nobody always comes after the same one.
      for (const { contender, installed } of ready.map((_, i) => ready[(i + run) % ready.length]!)) {
        progress(`durable, run ${run + 1} of ${runs}: ${contender.name}`)
        await inEmptyFolder((folder) =>
          orGap(!contender.peer, options, () =>
            contender.between({ server, folder, installed }, async (pair) =>
              ledger.add(run, contender.name, await play(contender, pair, amount, { progress, run }))
            )
          )
        )
      }
    }
    const order = (name: string): number => contenders.findIndex((contender) => contender.name === name)
    const rank = (metric: string): number => (metrics.includes(metric) ? metrics.indexOf(metric) : metrics.length)
    const measurements = [...ledger.measurements].sort(
      (a, b) =>
        inOrder.indexOf(a.work) - inOrder.indexOf(b.work) ||
        rank(a.metric) - rank(b.metric) ||
        a.metric.localeCompare(b.metric) ||
        order(a.contender) - order(b.contender)
    )
    return {
      measurements,
      verdicts: judge(bars, measurements),
      notes: [`PostgreSQL: ${settings}.`, ...notes, ...(peers ? PeerSettings.described : [])]
    }
  } finally {
    await server.stop()
  }
}

export const durable: Area = {
  title: "Durable hand-off",
  ours: [names.postgres, names.pglite],
  notes: [
    "200-byte messages, loopback, every end in a process of its own, fsync on, log level Warn. The time runs from the first send to the commit that brings the last effect, one inserted row per message; a batch that somebody has at hand is inserted with one statement.",
    "holdfast: two nodes as `holdfast start` composes them, a database each (PostgreSQL: two databases of one server; PGlite: embedded, durable). Their protocol handles what came together with `handleAll`.",
    "The outboxes, graphile-worker and pg-boss stay in one PostgreSQL database and need no network. Those outboxes: a table and a loop over it, one worker that takes 500 rows at a time or four that take one.",
    "The peers (only with --peers) run with the fastest durable settings that their documentation names, printed here. The effect and the acknowledgement are two commits with all of them.",
    "Grouped is `Delivery.sendNow`. Transactions of 100 and 1,000 are made with `Delivery.sendAll`, four transactions in flight; the others send as many at once, in one statement or all on their way together.",
    "CPU is what the two processes computed until everything was settled, the database server not included: with PGlite the database is in it, with PostgreSQL it is not. It hardly depends on what else the machine does.",
    "fsyncs: of the server's log for both databases together, or of the embedded databases. Commits, statements and round trips are of both ends, those of settling included.",
    "SIGKILL: of 5,000 messages (500 with --quick) two fifths have arrived when the receiver dies; the sender dies when it has committed all and none has arrived. The time begins when the end that was started again is ready."
  ],
  measure
}
