/** The long runs of chains between processes, on a database server of their own: `npm run test:soak -- --only chain-kills,chain-calm`. */
import { Effect } from "effect"
import * as PostgresServer from "../PostgresServer.ts"
import { type ChainNodes, make } from "./ChainNodes.ts"
import * as KillRounds from "./KillRounds.ts"
import * as Producers from "./Producers.ts"

interface Given {
  readonly rounds: number
  readonly seed: number
  readonly progress: (line: string) => void
}

const withNodes = async <A>(use: (nodes: ChainNodes) => Promise<A>): Promise<A> => {
  const server = await PostgresServer.start({ own: true })
  try {
    return await make(() => PostgresServer.createDatabase(server.url)).pipe(
      Effect.flatMap((nodes) => Effect.promise(() => use(nodes))),
      Effect.scoped,
      Effect.runPromise
    )
  } finally {
    await server.stop()
  }
}

/** Half of the rounds on each kind of database, so many of them between two whole chains as in the tests. */
export const kills = ({ progress, rounds, seed }: Given) =>
  withNodes(async (nodes) => {
    const outcomes: Array<KillRounds.Outcome> = []
    for (const driver of ["postgres", "pglite"] as const) {
      progress(`on ${driver}`)
      outcomes.push(
        await KillRounds.run({ nodes, driver, seed, rounds: Math.ceil(rounds / 2), height: 10_000, progress })
      )
    }
    return {
      figures: { kills: outcomes.map(({ heights }) => heights.length), chains: outcomes.map(({ laps }) => laps) },
      faults: outcomes.flatMap(({ faults }) => faults),
      again: `--seed ${seed} --rounds ${rounds}`
    }
  })

/** Three producers for ten minutes: a block a second. */
export const calm = (): Promise<{
  readonly figures: object
  readonly faults: ReadonlyArray<string>
  readonly again: string
}> =>
  withNodes(async (nodes) => {
    const { faults, ...figures } = await Producers.run({ nodes, blocks: 600 })
    return { figures, faults, again: "" }
  })
