/**
 * Whether a connection that begins with JOIN may ask for a lane: its peer must be let in, and have dialled the session
 * that it names (docs/PROTOCOL.md, 4.7). Whether it gets the lane is for that session to say.
 */
import type { Join, RejectReason } from "../../protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Connection } from "./Connection.ts"
import type { Office } from "./Office.ts"
import type { Home } from "./SessionLanes.ts"

/** Who asks. The key is proven. */
export interface Applicant {
  readonly peer: NodeKey
  readonly connection: Pick<Connection, "direction" | "host">
}

export type Decision =
  | { readonly _tag: "Ask"; readonly home: Home }
  | {
      readonly _tag: "Refuse"
      readonly reason: RejectReason
      readonly detail: string
      readonly retryAfterMillis?: number
    }

const refuse = (reason: RejectReason, detail: string): Decision => ({ _tag: "Refuse", reason, detail })

export const decide = (
  { entrance, gate, home }: Pick<Office, "entrance" | "gate" | "home">,
  { connection, peer }: Applicant,
  { session }: Join
): Decision => {
  if (connection.direction === "outbound") return refuse("violation", "JOIN is for who has dialled")
  if (entrance.closed) return refuse("shutdown", "this node stops")
  const kept = gate.keptOut(peer, connection.host)
  if (kept !== undefined) {
    return { _tag: "Refuse", reason: "banned", detail: kept.reason, retryAfterMillis: kept.forMillis }
  }
  const joined = home(peer, session)
  return joined === undefined
    ? refuse("lane", `you have dialled no session ${session} that has lanes here`)
    : { _tag: "Ask", home: joined }
}
