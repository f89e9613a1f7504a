/**
 * The benchmark of chains: how soon a node that has nothing has all blocks, from one peer and from several, over loopback and over
 * lines with a delay, and how long it stands still when a peer does.
 */
import { Effect } from "effect"
import { make } from "../test/support/chain/ChainNodes.ts"
import * as PostgresServer from "../test/support/PostgresServer.ts"
import type { Area, Findings, Options } from "./Area.ts"
import { judge } from "./Bars.ts"
import * as Beside from "./chain/Beside.ts"
import * as Play from "./chain/Play.ts"
import * as Works from "./chain/Works.ts"
import { Ledger } from "./Measurement.ts"

const { contenders } = Works

/** Everything with one database server; nodes that are done with are stopped at once. */
const play = Effect.fnUntraced(function* ({ progress, quick, runs }: Options, ledger: Ledger, server: string) {
  const nodes = yield* make(() => PostgresServer.createDatabase(server))
  yield* Effect.promise(async () => {
    for (const work of Works.syncs(quick)) {
      const from = await Play.source(nodes, work.height, work.signed)
      for (let run = 0; run < runs; run++) {
        // Each run begins with the other one, so that nobody always comes after the same one.
        for (const driver of Works.drivers.map((_, i) => Works.drivers[(i + run) % 2]!)) {
          progress(`chain, run ${run + 1} of ${runs}: ${work.name}, ${contenders[driver]}`)
          ledger.add(run, contenders[driver], await Play.sync(nodes, driver, from, work))
        }
      }
      await from.node.stop()
    }
    const from = await Play.source(nodes, Works.middle.height, false)
    const peers = [from.node, ...(await Play.peersOf(nodes, from, 3))]
    for (let run = 0; run < runs; run++) {
      progress(`chain, run ${run + 1} of ${runs}: lines of 50 ms`)
      const one = await Play.far(nodes, from, peers.slice(0, 1))
      ledger.add(run, contenders.postgres, Play.farFigures(one, await Play.far(nodes, from, peers)))
      progress(`chain, run ${run + 1} of ${runs}: ${Works.frozen}`)
      ledger.add(run, contenders.postgres, await Play.freeze(nodes, from, peers[1]!))
    }
  })
}, Effect.scoped)

const measure = async (options: Options): Promise<Findings> => {
  const { peers, progress, quick, runs } = options
  if (peers) Beside.check()
  const ledger = new Ledger()
  const server = await PostgresServer.start()
  const count = Works.besideCount(quick)
  try {
    if (peers) {
      progress(`chain: bcoin makes ${count} blocks`)
      await Beside.measure({
        runs,
        count,
        createDatabase: () => PostgresServer.createDatabase(server.url),
        progress: (run, contender) => progress(`chain, run ${run + 1} of ${runs}: ${contender}, beside bcoin`),
        seen: (run, contender, figures) => ledger.add(run, contender, figures)
      })
    }
    await Effect.runPromise(play(options, ledger, server.url))
  } finally {
    await server.stop()
  }
  const bars = peers ? [...Works.bars, ...Works.besideBars(count)] : Works.bars
  return { measurements: ledger.measurements, verdicts: judge(bars, ledger.measurements) }
}

export const chain: Area = {
  title: "Chain",
  ours: [...Object.values(contenders), Works.besideNames.memory],
  notes: [
    "Blocks of one item of 40 bytes. Every node is a process of its own and a database of its own, fsync on, log level Error; all peers that give blocks have PostgreSQL.",
    "The time runs from the dial, before the connection and the handshake, to the commit of the last block. The ids of all blocks are compared afterwards.",
    "Signed: a chain with one producer, whose signature is checked for every header.",
    "Lines of 50 ms: 25 ms each way, in a proxy of its own for each peer in the process that measures, without a limit of bandwidth.",
    "Freezing: one of two peers is stopped with SIGSTOP after a quarter of the blocks. The figure is the longest time between two tips in the whole sync.",
    "A Bitcoin regtest, with --peers: blocks of one transaction that a bcoin node has made, from it to a new process: a node of ours with holdfast's block sync, or another full node of bcoin 1.0.2 (scripts/install-nodes.sh). From the dial until the last block is stored; the id of the last one is compared.",
    "bcoin keeps all in memory, on one thread and without its native code, and checks and keeps more: it runs the scripts of transactions, of which these have none to run, and writes coins spent and made. Ours checks headers, their work and merkle roots, and commits headers and blocks to a database with fsync on, or keeps them in memory."
  ],
  measure
}
