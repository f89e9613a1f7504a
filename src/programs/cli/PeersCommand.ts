/**
 * `holdfast peers`: whom the node is connected to, whom it wants to be, and how that goes.
 */
import { Clock, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { short } from "../../protocol/NodeKey.ts"
import type { PeerView } from "../http/Models.ts"
import { ask, peerOf } from "./Client.ts"
import { peerText } from "./Given.ts"
import { print } from "./Root.ts"
import { dim, green, red, yellow } from "./Style.ts"
import { ago, ahead, brief, lasting, printable, size, table } from "./Table.ts"
import { followTransitions, showTransitions } from "./Transitions.ts"
import { every, watching } from "./Watching.ts"

const stateOf = ({ dialling, session, state }: PeerView, now: number): string => {
  if (session !== undefined) return `${green("connected")} ${lasting(now - session.since)}`
  if (dialling === undefined) return dim(state)
  return dialling.breaker === "closed" ? yellow("dialling") : red(`dialling paused`)
}

const breakerOf = (dialling: PeerView["dialling"]): string =>
  dialling === undefined || dialling.breaker === "closed" ? "" : `breaker ${dialling.breaker}`

/** What the columns leave out: how its pings go or when it is dialled next, and why it was lost the last time. */
const detailOf = ({ dialling, lastConnectedAt, lastEnded, session }: PeerView, now: number): string => {
  const last = lastEnded === undefined ? "" : `${lastEnded.reason}: ${printable(lastEnded.detail)}`
  const seen = lastConnectedAt === undefined ? "" : `last connected ${ago(lastConnectedAt, now)}`
  const next = dialling?.nextDialAt === undefined ? "" : `next dial ${ahead(dialling.nextDialAt, now)}`
  const parts =
    session === undefined
      ? [breakerOf(dialling), next, last === "" ? seen : last]
      : [
          `session ${session.number}`,
          session.lanes === undefined ? "" : `lanes ${session.lanes.open}/${session.lanes.most}`,
          session.pings === 0 ? "" : `pongs ${session.pongs}/${session.pings}`,
          breakerOf(dialling),
          last === "" ? "" : `before: ${last}`
        ]
  return dim(parts.filter((part) => part !== "").join("  "))
}

const flow = (frames: number, bytes: number): string => `${brief(frames)} / ${size(bytes)}`

const sessionCells = (session: PeerView["session"]): ReadonlyArray<string> =>
  session === undefined
    ? ["", "", "", "", ""]
    : [
        session.direction,
        session.rttMillis === undefined ? "" : `${session.rttMillis.toFixed(1)}ms`,
        flow(session.framesIn, session.bytesIn),
        flow(session.framesOut, session.bytesOut),
        size(session.queuedBytes)
      ]

const peerTable = (now: number) => (peers: ReadonlyArray<PeerView>) =>
  peers.length === 0
    ? "No peers yet. Connect to one with: holdfast connect <address>"
    : table(
        ["PEER", "STATE", "WHERE", "DIRECTION", "RTT", "IN", "OUT", "QUEUE", "OWED", "RECEIVED", ""],
        peers.map((peer) => [
          short(peer.key),
          stateOf(peer, now),
          peer.session?.remote ?? peer.endpoint ?? "",
          ...sessionCells(peer.session),
          String(peer.owed),
          String(peer.received),
          detailOf(peer, now)
        ])
      )

const showPeers = Effect.gen(function* () {
  const peers = yield* ask((client) => client.peers())
  yield* print(peers, peerTable(yield* Clock.currentTimeMillis))
})

export const PeersCommand = Command.make(
  "peers",
  {
    watch: Flag.Boolean("watch").pipe(
      Flag.withAlias("w"),
      Flag.withoutNegation,
      Flag.withDescription(
        `Look every ${every}, until it is told to stop: all peers anew, or what is new of the transitions`
      ),
      Flag.withDefault(false)
    ),
    transitions: Flag.String("transitions").pipe(
      Flag.withMetavar("<peer>"),
      Flag.withDescription("What happened to the connections with this peer instead; its key, or the beginning of it"),
      Flag.withSchema(peerText),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ transitions, watch }) {
    if (Option.isNone(transitions)) return yield* watch ? watching(showPeers, { anew: true }) : showPeers
    const key = yield* peerOf(transitions.value)
    return yield* watch ? watching(followTransitions(key), { anew: false }) : showTransitions(key)
  })
).pipe(
  Command.withDescription(
    "Show the peers: connected or not and why, round trips, frames and bytes, what waits, what is owed to each"
  ),
  Command.withExamples([
    { command: "holdfast peers" },
    { command: "holdfast peers --watch" },
    { command: "holdfast peers --transitions 3f2a91c0", description: "What happened to the connections with a peer" },
    { command: "holdfast peers --transitions 3f2a91c0 --watch", description: "The same, and what happens" },
    { command: "holdfast peers --json" }
  ])
)
