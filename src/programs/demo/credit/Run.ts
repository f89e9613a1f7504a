/**
 * One run of the demo of credit from its first process to its verdict.
 */
import { Clock, Duration, Effect, type Redacted } from "effect"
import { DemoFailed } from "../DemoFailed.ts"
import * as Places from "../Places.ts"
import type { Screen } from "../View.ts"
import * as Acts from "./Acts.ts"
import { audit } from "./Auditing.ts"
import { Desk } from "./Desk.ts"
import * as Facts from "./Facts.ts"
import * as Ring from "./Ring.ts"
import { line, referee, type Site, sites, users } from "./Sites.ts"
import { lines, type Summary, summary } from "./Summary.ts"

export interface Options {
  /** How long everything may take to be settled. */
  readonly deadline: Duration.Duration
  /** A PostgreSQL server to make the databases on; embedded ones otherwise. */
  readonly database: Redacted.Redacted | undefined
  readonly screen: Screen
  /** Runs when everything is settled, before the audits: a test spoils a database there, to see that it is found. */
  readonly beforeAudit?: (places: Places.Places<Site>) => Effect.Effect<void>
}

export interface Result {
  readonly summary: Summary
  /** The same for people. */
  readonly lines: ReadonlyArray<string>
}

const desksOf = (places: Places.Places<Site>): Readonly<Record<Site, Desk>> => {
  const desk = (site: Site) => new Desk(users[site], places.of(site).data)
  return { A: desk("A"), B: desk("B"), C: desk("C"), D: desk("D"), E: desk("E") }
}

export const run = Effect.fn("CreditDemo.run")(function* (options: Options) {
  const { beforeAudit, database, deadline, screen } = options
  const clock = yield* Clock.Clock
  const startedAt = clock.currentTimeMillisUnsafe()
  const seconds = () => (clock.currentTimeMillisUnsafe() - startedAt) / 1_000
  const say = (what: string) => void screen.write(`${seconds().toFixed(1).padStart(6)} s  ${what}\n`)
  let keep = false
  const places = yield* Places.make<Site>({ names: sites, database, keep: () => keep })
  const facts = Facts.none()

  const carriedOut = Effect.gen(function* () {
    say("starting five sites")
    const ring = yield* Ring.make(places, say)
    // The lifts shall end by what is decided, and not by their time.
    const life = Duration.sum(Duration.times(deadline, 2), Duration.minutes(10))
    const work = Acts.run({ ring, desks: desksOf(places), facts, say, life })
    const done = yield* Effect.raceFirst(Effect.timeoutOption(work, deadline), ring.failed)
    if (done._tag === "None") facts.ranOutAfter = Duration.toSeconds(deadline)
    ring.thaw(referee)
    ring.heal(...line)
    if (beforeAudit !== undefined) yield* beforeAudit(places)
    say("auditing all five")
    facts.audits = yield* Effect.forEach(sites, (site) => audit(site, places.of(site)))
    say("stopping all five")
    facts.stops = yield* ring.stop
  }).pipe(Effect.scoped)

  yield* Effect.mapError(carriedOut, ({ cause, problem }) => {
    keep = true
    return new DemoFailed({ problem, cause, folder: places.folder })
  })
  const about = { database: database === undefined ? "pglite" : "postgresql", folder: places.folder } as const
  const found = summary(facts, { ...about, seconds: seconds() })
  keep = !found.ok
  const result: Result = { summary: found, lines: lines(facts, found) }
  return result
}, Effect.scoped)
