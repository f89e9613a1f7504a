/**
 * Work of several callers at one place as one transaction: those that come while another transaction works there wait for it, and then
 * are done together, in the order in which they came. Each hears what became of its own, once that is durable.
 *
 * The transaction runs in the fiber of one of them. Whoever is interrupted before their turn has changed nothing; whoever is
 * interrupted later may find that it was done. Those who share a transaction with them are done in the next one if it was rolled back.
 * A failure that one of them may have caused is not that of the others: all are done again, each alone.
 */
import { Cause, Effect, Exit, Semaphore } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import * as Contention from "./Contention.ts"
import { Records } from "./Records.ts"
import type { Transactions } from "./Transactions.ts"

export interface Work<Q, A, E, R> {
  /** Requests that share a transaction, at most. */
  readonly most: number
  /** Two of one name never share a transaction. */
  readonly nameOf: (request: Q) => string | undefined
  /** Does them inside a transaction: how each ended, in their order. What fails has changed nothing. */
  readonly work: (requests: ReadonlyArray<Q>) => Effect.Effect<ReadonlyArray<Exit.Exit<A, E>>, SqlError, R>
}

interface Ticket<Q, A, E> {
  readonly request: Q
  done: Exit.Exit<A, E | SqlError> | undefined
  isAlone: boolean
}

interface Place<Q, A, E> {
  /** In the order in which they came; as many as callers wait. */
  readonly waiting: Array<Ticket<Q, A, E>>
  readonly turn: Semaphore.Semaphore
  callers: number
}

/** Whether a row, or a defect, is at fault, and not the database. */
const isOfOne = (cause: Cause.Cause<SqlError>): boolean => {
  const error = Cause.findErrorOption(cause)
  return error._tag === "Some" ? Records.unfit(error.value) !== undefined : Cause.hasDies(cause)
}

/** Those whose turn it is. */
const taken = <Q, A, E, R>({ waiting }: Place<Q, A, E>, { most, nameOf }: Work<Q, A, E, R>) => {
  const names = new Set<string>()
  const first = waiting[0]?.isAlone === true ? 1 : most
  let count = 0
  for (const { isAlone, request } of waiting.slice(0, first)) {
    const name = nameOf(request)
    if (count > 0 && (isAlone || (name !== undefined && names.has(name)))) break
    if (name !== undefined) names.add(name)
    count++
  }
  return waiting.splice(0, count)
}

/** Does a request at a place. Must not be called inside a transaction. */
export const make = <Q, A, E, R>(transactions: Transactions["Service"], options: Work<Q, A, E, R>) => {
  const places = new Map<string, Place<Q, A, E>>()
  const within = Contention.within(transactions)

  const placeOf = (name: string): Place<Q, A, E> => {
    const place = places.get(name) ?? { waiting: [], turn: Semaphore.makeUnsafe(1), callers: 0 }
    places.set(name, place)
    return place
  }

  const tell = (batch: ReadonlyArray<Ticket<Q, A, E>>, exits: ReadonlyArray<Exit.Exit<A, E>>) =>
    Effect.sync(() => {
      for (const [at, ticket] of batch.entries())
        ticket.done = exits[at] ?? Exit.die(new Error("the work does not say how a request ended"))
    })

  /** What was rolled back because its caller went away, or because of one of them, is done again by those who wait. */
  const failed = (place: Place<Q, A, E>, batch: ReadonlyArray<Ticket<Q, A, E>>, cause: Cause.Cause<SqlError>) => {
    const left = batch.filter(({ done }) => done === undefined)
    const again = Cause.hasInterruptsOnly(cause) || (batch.length > 1 && isOfOne(cause))
    for (const ticket of left) {
      if (!again) ticket.done = Exit.failCause(cause)
      else ticket.isAlone ||= !Cause.hasInterruptsOnly(cause)
    }
    if (again) place.waiting.unshift(...left)
  }

  const run = (place: Place<Q, A, E>) =>
    Effect.suspend(() => {
      const batch = taken(place, options)
      const work = Effect.flatMap(options.work(batch.map(({ request }) => request)), (exits) =>
        transactions.afterCommit(tell(batch, exits))
      )
      return Effect.exit(
        Effect.onExit(within(work), (exit) =>
          Effect.sync(() => {
            if (Exit.isFailure(exit)) failed(place, batch, exit.cause)
          })
        )
      )
    })

  const lead = Effect.fnUntraced(function* (place: Place<Q, A, E>, ticket: Ticket<Q, A, E>) {
    while (ticket.done === undefined) yield* run(place)
    return yield* ticket.done
  })

  const leave = (name: string, place: Place<Q, A, E>, ticket: Ticket<Q, A, E>) =>
    Effect.sync(() => {
      const at = place.waiting.indexOf(ticket)
      if (at >= 0) place.waiting.splice(at, 1)
      if (--place.callers === 0) places.delete(name)
    })

  return (name: string, request: Q): Effect.Effect<A, E | SqlError, R> =>
    Effect.suspend(() => {
      const place = placeOf(name)
      const ticket: Ticket<Q, A, E> = { request, done: undefined, isAlone: false }
      place.waiting.push(ticket)
      place.callers++
      return Effect.ensuring(place.turn.withPermit(lead(place, ticket)), leave(name, place, ticket))
    })
}
