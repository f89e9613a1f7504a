/**
 * A planted bug: one line of the production code, what takes its place, and the property that has to find it.
 *
 * The sources know nothing of it; `load.ts` exchanges the text while a program loads them.
 */
import { granted, laws, settled } from "../../src/testing/credit/CreditLaws.ts"
import type { Profile } from "../../src/testing/faults/Swarm.ts"

/** What may be violated by a planted bug, as docs/simulation-mutants.md describes it. */
export const properties = [
  "one session per pair",
  "sessions agree",
  "effect exactly once",
  "effect in order",
  "nothing before its commit",
  "no receipt before the effect's commit",
  "sent is acked, pending or shed",
  "outcomes are right",
  "a ghost changes nothing",
  "everything arrives",
  "everyone is connected",
  "nothing is left after a stop",
  "dials are spread",
  "no defects",
  "nobody is accused",
  "calm stays calm",
  "calm is prompt",
  "a commit stands",
  "a returning peer is let in",
  "who stood still condemns nobody",
  "a pong answers a ping",
  "an end is noticed",
  "an end has its true reason",
  "back-off is kept",
  "dials keep their rate",
  "an announced return is awaited",
  "a flapping peer is left alone",
  "no restore without a restore",
  "no restore goes unnoticed",
  "a session has an epoch of its own",
  "what is owed can be seen",
  "nobody runs ahead of the window",
  "one bad peer holds up nobody else",
  "what is taken back stays back",
  "what was acknowledged takes effect once, in order",
  "a timer takes effect once",
  "a timer keeps its time",
  "every timer takes effect",
  "a timer is prompt",
  "a block is applied once, behind the one before it",
  "a branch is left for a better one",
  "a body is asked for twice at most",
  "a new block is everywhere soon",
  "who keeps another chain is left alone",
  "honest nodes have one chain",
  ...Object.values(laws),
  granted,
  settled,
  "nothing leaks",
  "same seed, same run"
] as const
export type Property = (typeof properties)[number]

/** What has to be exchanged. */
export interface Planted {
  readonly name: string
  /** Relative to the project. */
  readonly file: string
  /** Occurs once in the file. It may span lines to do so; one of them changes. */
  readonly find: string
  readonly replace: string
}

export interface Mutant extends Planted {
  /** One sentence. */
  readonly what: string
  /** The property that must find it. */
  readonly property: Property
  /** Properties that may speak first. */
  readonly also?: ReadonlyArray<Property>
  /** The profile under whose plans it is found soonest. */
  readonly profile: Profile
  /** The scenario in which it is hunted; "ledger" by default. */
  readonly scenario?: "ledger" | "deadlines" | "cancelling" | "grouped" | "timers" | "chain" | "credit"
}

/** A planted bug that no longer fits the sources. */
export class MutantStale extends Error {
  override readonly name = "MutantStale"
}

/** The text of its file with the bug in it. */
export const plant = ({ file, find, name, replace }: Planted, source: string): string => {
  const [before, after, ...more] = source.split(find)
  if (before === undefined || after === undefined || more.length > 0) {
    const times = source.split(find).length - 1
    throw new MutantStale(`${name}: ${file} has its text ${times} times, not once: bring "find" up to date\n${find}`)
  }
  return `${before}${replace}${after}`
}
