/**
 * `holdfast connect`, `disconnect` and `peers`: whom the node is connected to, and whom it wants to be.
 */
import { Clock, Console, Effect, Option, Schedule } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { AddressFromString } from "../../protocol/Address.ts"
import { short } from "../../protocol/NodeKey.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { PeerView } from "../http/Models.ts"
import { ask, peerOf } from "./Client.ts"
import { untilSignal } from "../Main.ts"
import { print, Root } from "./Root.ts"
import { clear, dim, green, red, yellow } from "./Style.ts"
import { ago, ahead, brief, lasting, moment, printable, size, table } from "./Table.ts"

export const ConnectCommand = Command.make(
  "connect",
  {
    address: Argument.String("address").pipe(
      Argument.withDescription("The other node's address, holdfast://<key>@host:port, as it prints it"),
      Argument.withSchema(AddressFromString)
    )
  },
  Effect.fnUntraced(function* ({ address }) {
    const wanted = yield* ask((client) => client.connect({ payload: { address } }))
    yield* print(
      wanted,
      () => `Connecting to ${short(address.key)} at ${address.endpoint.toString()}; see: holdfast peers`
    )
  })
).pipe(
  Command.withDescription("Stay connected to a node from now on, over restarts of either"),
  Command.withExamples([{ command: "holdfast connect holdfast://<key>@10.0.0.2:4001" }])
)

const peer = Argument.String("peer").pipe(Argument.withDescription("The key of the peer, or its beginning"))

export const DisconnectCommand = Command.make(
  "disconnect",
  { peer },
  Effect.fnUntraced(function* ({ peer }) {
    const key = yield* peerOf(peer)
    const gone = yield* ask((client) => client.disconnect({ params: { key } }))
    yield* print(gone, () => `Disconnected from ${short(key)}. What is owed to it stays owed.`)
  })
).pipe(
  Command.withDescription(
    "No longer stay connected to a peer; a peer that is owed messages, or dials by itself, comes back"
  ),
  Command.withExamples([{ command: "holdfast disconnect 3f2a91c0" }])
)

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

const transitionTable = (now: number) => (transitions: ReadonlyArray<Transition>) =>
  transitions.length === 0
    ? "Nothing has happened with this peer since the node started."
    : table(
        ["WHEN", "CONNECTION", "FROM", "TO", "WHERE", "WHY"],
        transitions.map(({ at, connection, detail, direction, from, reason, remote, session, to }) => [
          moment(at, now),
          `${connection} ${direction}${session === undefined ? "" : ` session ${session}`}`,
          from ?? "",
          to,
          remote,
          [reason, detail === undefined ? undefined : printable(detail)].filter((part) => part !== undefined).join(": ")
        ])
      )

const showPeers = Effect.gen(function* () {
  const peers = yield* ask((client) => client.peers())
  yield* print(peers, peerTable(yield* Clock.currentTimeMillis))
})

/** How often `--watch` looks. */
const every = "2 seconds"

/** Shows the peers again and again, also over restarts of the node, which must be there at the start. */
const watchPeers = Effect.gen(function* () {
  const { json } = yield* Root
  const blank = json ? Effect.void : clear
  const gone = Console.error(dim("The node is gone, waiting for it to come back"))
  const again = showPeers.pipe(
    Effect.catchTags({
      NoNode: () => gone,
      NodeSilent: () => gone,
      Unavailable: ({ message }) => Console.error(message)
    })
  )
  yield* Effect.andThen(blank, showPeers)
  yield* Effect.repeat(Effect.andThen(blank, again), Schedule.spaced(every)).pipe(Effect.delay(every))
}).pipe(untilSignal)

export const PeersCommand = Command.make(
  "peers",
  {
    watch: Flag.Boolean("watch").pipe(
      Flag.withAlias("w"),
      Flag.withoutNegation,
      Flag.withDescription(`Show them anew every ${every}, until it is told to stop`),
      Flag.withDefault(false)
    ),
    transitions: Flag.String("transitions").pipe(
      Flag.withMetavar("<peer>"),
      Flag.withDescription("What happened to the connections with this peer instead; its key, or the beginning of it"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ transitions, watch }) {
    if (Option.isNone(transitions)) return yield* watch ? watchPeers : showPeers
    const key = yield* peerOf(transitions.value)
    const now = yield* Clock.currentTimeMillis
    yield* print(yield* ask((client) => client.transitions({ params: { key } })), transitionTable(now))
  })
).pipe(
  Command.withDescription(
    "Show the peers: connected or not and why, round trips, frames and bytes, what waits, what is owed to each"
  ),
  Command.withExamples([
    { command: "holdfast peers" },
    { command: "holdfast peers --watch" },
    { command: "holdfast peers --transitions 3f2a91c0", description: "What happened to the connections with a peer" },
    { command: "holdfast peers --json" }
  ])
)
