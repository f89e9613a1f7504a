/** The blocks of a toy chain without any wire: one peer that has everything, and gives what it is asked for when a test says so. */
import { Effect, FiberSet } from "effect"
import * as BodySchedule from "../../src/protocol/chain/BodySchedule.ts"
import * as BlockSync from "../../src/services/chain/BlockSync.ts"
import * as HeaderChain from "../../src/services/chain/HeaderChain.ts"
import type { Ledger } from "../../src/services/chain/Ledger.ts"
import { Alarms } from "../../src/services/link/Alarms.ts"
import * as Toy from "./ToyChain.ts"
import { settle } from "./VirtualTime.ts"

export interface Options {
  readonly policy?: BodySchedule.Policy
  readonly ledger?: Ledger<Toy.ToyHeader>
}

/** A height above those of all tests. */
const everything = 1_000

/** One life of a node on what is stored. */
export const live = Effect.fnUntraced(function* ({ ledger, policy = BodySchedule.defaults }: Options = {}) {
  const chain = yield* HeaderChain.make(Toy.rules())
  const asked: Array<string> = []
  const told: Array<string> = []
  const sync = yield* BlockSync.make<Toy.ToyHeader, Toy.ToyFault>({
    rules: Toy.rules(),
    chain,
    policy,
    alarms: yield* Alarms.make,
    fork: yield* FiberSet.makeRuntime<never, void>(),
    tell: ({ _tag }) => void told.push(_tag),
    objection: () => undefined,
    ledger,
    keep: undefined
  })
  /** These headers, which follow each other, have become known. */
  const learn = (all: ReadonlyArray<Toy.ToyHeader>) =>
    chain
      .alone(({ save, take }) => Effect.andThen(take(all, chain.get(all[0]!.previous)!), save))
      .pipe(
        Effect.map((change) => {
          sync.changed(change?.fork ?? 0)
          sync.raise(1, chain.best().height)
        }),
        Effect.orDie
      )
  /** Gives what is asked for, in bodies of so many bytes, until nothing is. */
  const feed = Effect.fnUntraced(function* (size: number) {
    yield* settle
    while (asked.length > 0) {
      for (const id of asked.splice(0)) sync.got(1, id, new Uint8Array(size))
      yield* settle
    }
  })
  const ask = (_request: number, ids: ReadonlyArray<string>) => Effect.sync(() => void asked.push(...ids))
  yield* Effect.forkScoped(sync.run, { startImmediately: true })
  sync.joined({ id: 1, remote: "peer", ask, charge: () => undefined }, everything)
  return { sync, learn, feed, asked, told }
})
