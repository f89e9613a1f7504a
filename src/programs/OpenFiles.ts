/**
 * Whether the system lets this process open as many files as the limits of its links may take: one for every session,
 * handshake and dial. Where it does not, connections fail that the node would have taken, so the log says so at once.
 */
import { Effect, Option, Schema } from "effect"
import type { Config as LinkConfig } from "../services/link/LinkConfig.ts"

/** Connections that are closing, and what a process opens besides its links: its database, its log, its API. */
const others = 512

const Report = Schema.Struct({
  userLimits: Schema.Struct({ open_files: Schema.Struct({ soft: Schema.Union([Schema.Int, Schema.String]) }) })
})

/** How many files this process may have open; `undefined` where there is no limit, or the system does not tell. */
export const allowed: Effect.Effect<number | undefined> = Effect.sync(() => {
  // Else the report would look up the names of all who are connected.
  const report = Object.assign(process.report, { excludeNetwork: true })
  const limit = Option.map(
    Schema.decodeUnknownOption(Report)(report.getReport()),
    ({ userLimits }) => userLimits.open_files.soft
  )
  return Option.isSome(limit) && typeof limit.value === "number" ? limit.value : undefined
})

/** How many files a node with these limits may need. */
export const needed = (
  { maxDials, maxHandshakes, maxSessions }: Pick<LinkConfig, "maxDials" | "maxHandshakes" | "maxSessions">,
  databaseConnections: number
): number => maxSessions + maxHandshakes + maxDials + databaseConnections + others

/** Warns if `limit` files are not enough. */
export const check = (limit: number | undefined, need: number): Effect.Effect<void> =>
  limit === undefined || limit >= need
    ? Effect.void
    : Effect.annotateLogs(
        Effect.logWarning(
          `This process may open too few files for the connections it would take: raise the limit (ulimit -n ${need}), or lower --max-sessions`
        ),
        { allowed: limit, needed: need }
      )
