/**
 * Which process runs the node: one at a time, however many share its database. Others stand by.
 *
 * Who owns the node owns all of its links, for one term. A term that is over is over for good: whatever its process
 * still writes for a link is refused by the link's epoch, and it can claim no link any more.
 */
import { Context, Effect, Option, Schema, type Scope } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { NodeKey, short } from "../../protocol/NodeKey.ts"

/** Another process runs this node on this database, and this one may not stand by. */
export class DatabaseTaken extends Schema.TaggedError<DatabaseTaken>()("DatabaseTaken", { node: NodeKey }) {
  override get message(): string {
    return (
      `Another process runs node ${short(this.node)} on this database. ` +
      `Stop it, or let this one stand by; a node's identity must not be copied to run it on a second database.`
    )
  }
}

/** The time in which this process owns the node. */
export interface Term {
  /** The incarnation that it began with; `undefined` where nobody else can own the node, and the start counts itself. */
  readonly incarnation: bigint | undefined
  /** Another process has owned the node and has not given it up: it was waited for, or may still run and not know. */
  readonly stoodBy: boolean
  /** Waits for the end, and says why it is over. */
  readonly over: Effect.Effect<string>
}

/** The term of a node that nobody else can run: on a database in memory, or in a folder that is locked. */
export const alone: Term = { incarnation: undefined, stoodBy: false, over: Effect.never }

/** The term that the layers of a node are built for. */
export const CurrentTerm = Context.Reference<Term>("holdfast/services/delivery/Ownership/CurrentTerm", {
  defaultValue: () => alone
})

export class Ownership extends Context.Service<
  Ownership,
  {
    /**
     * Waits until this process owns the node, however long that takes, and keeps it until the scope closes or the term
     * is over. One term at a time.
     */
    readonly own: Effect.Effect<Term, DatabaseTaken | SqlError, Scope.Scope>
  }
>()("holdfast/services/delivery/Ownership") {}

/**
 * Runs `program` whenever this process owns the node, each time anew, and interrupts it when its term is over. Give it
 * the layers of the node inside: they must be built and must end with the term. Ends when the program does.
 */
export const whileOwning = Effect.fnUntraced(function* <A, E, R>(program: Effect.Effect<A, E, R>) {
  const ownership = yield* Ownership
  const term = Effect.gen(function* () {
    const term = yield* ownership.own
    const lost = Effect.flatMap(term.over, (why) =>
      Effect.annotateLogs(Effect.logWarning("This process no longer owns the node"), { why })
    )
    const running = Effect.provideService(program, CurrentTerm, term)
    return yield* Effect.raceFirst(Effect.asSome(running), Effect.as(lost, Option.none<A>()))
  })
  while (true) {
    const ended = yield* Effect.scoped(term)
    if (Option.isSome(ended)) return ended.value
  }
})
