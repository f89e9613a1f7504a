/**
 * What a protocol looks for in its own state when the node is audited: checks that name what must not be there, and change nothing.
 *
 * They run inside the snapshot that the whole audit reads, each behind a savepoint: one that cannot be made is a finding itself and
 * hides nothing of the others.
 */
import { Cause, Effect, Exit, Stream } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { type Finding, findingName, maxFindings } from "./Audit.ts"
import { mayPass } from "./Persist.ts"

/** Something that contradicts in a protocol's state. */
export interface Flaw {
  /** A short name for programs, 1 to 64 of `a-z 0-9 -`; the kind of the finding is the protocol's name, `/`, and this. */
  readonly name: string
  /** What it is about, such as a table and a key, at most 1,024 characters. */
  readonly about: string
  /** One sentence with the values in it, at most 1,024 characters. */
  readonly detail: string
  /** What to do, at most 1,024 characters. */
  readonly fix: string
}

/** One check of a protocol's state. */
export interface Examination<R> {
  /** What it looks at, for people who wait. */
  readonly what: string
  /**
   * What is wrong, as it is found. It does database work only, page by page: no more is asked of it once there are more flaws than an
   * audit tells, so that neither rows nor flaws are ever held all at once.
   */
  readonly flaws: Stream.Stream<Flaw, SqlError, R>
}

/** What an audit has to know of a protocol. */
export interface Audited<R> {
  readonly name: string
  readonly audit: ReadonlyArray<Examination<R>>
}

/** One check of the audit of a node. */
export interface Step<R = never> {
  readonly what: string
  /** At most one more than `maxFindings`. */
  readonly run: Effect.Effect<ReadonlyArray<Finding>, SqlError, R>
}

/** The longest that a finding's texts may be, in characters; longer ones are cut. */
const longest = 1_024

const findingOf = (protocol: string, { about, detail, fix, name }: Flaw): Finding => {
  if (!findingName.test(name)) throw new RangeError(`"${name}" is not the name of a finding: sum-wrong`)
  return {
    kind: `${protocol}/${name}`,
    about: about.slice(0, longest),
    detail: detail.slice(0, longest),
    fix: fix.slice(0, longest)
  }
}

const unmade = (protocol: string, what: string): Finding => ({
  kind: "check-failed",
  about: `protocol ${protocol}`,
  detail: `its check of ${what} could not be made`,
  fix: "See the node's log for why: nothing is known of what it would have looked at."
})

/** The checks of these protocols, in their order. `within` makes a savepoint of the open transaction. */
export const steps = <R>(
  protocols: ReadonlyArray<Audited<R>>,
  within: <A, E, R1>(effect: Effect.Effect<A, E, R1>) => Effect.Effect<A, E | SqlError, R1>
): ReadonlyArray<Step<R>> => {
  const made = Effect.fnUntraced(function* (protocol: string, { flaws, what }: Examination<R>) {
    const findings = Stream.map(Stream.take(flaws, maxFindings + 1), (flaw) => findingOf(protocol, flaw))
    const exit = yield* Effect.exit(within(Stream.runCollect(findings)))
    if (Exit.isSuccess(exit)) return exit.value
    const error = Cause.findErrorOption(exit.cause)
    if (Cause.hasInterrupts(exit.cause) || (error._tag === "Some" && mayPass(error.value))) {
      return yield* Effect.failCause(exit.cause)
    }
    yield* Effect.annotateLogs(Effect.logError("A protocol's check of its state failed", exit.cause), {
      protocol,
      what
    })
    return [unmade(protocol, what)]
  })
  return protocols.flatMap(({ audit, name }) =>
    audit.map((one) => ({ what: `${one.what} (${name})`, run: made(name, one) }))
  )
}
