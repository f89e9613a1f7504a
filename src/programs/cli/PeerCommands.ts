/**
 * `holdfast connect`, `disconnect` and `peers`: whom the node is connected to, and whom it wants to be.
 */
import { Clock, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { AddressFromString } from "../../protocol/Address.ts"
import { short } from "../../protocol/NodeKey.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { PeerView } from "../http/Models.ts"
import { ask, peerOf } from "./Client.ts"
import { print } from "./Root.ts"
import { dim, green, red, yellow } from "./Style.ts"
import { ago, ahead, lasting, moment, printable, table } from "./Table.ts"

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

const detailOf = ({ dialling, lastConnectedAt, session }: PeerView, now: number): string => {
  if (session !== undefined) {
    const trip = session.rttMillis === undefined ? "" : `rtt ${session.rttMillis.toFixed(1)}ms  `
    const pings = session.pings === 0 ? "" : `pongs ${session.pongs}/${session.pings}  `
    return dim(`${trip}${pings}session ${session.number}, ${session.direction}`)
  }
  const next = dialling?.nextDialAt === undefined ? "" : `next dial ${ahead(dialling.nextDialAt, now)}  `
  const last = dialling?.lastEnded
  const why = last === undefined ? "" : `${last.reason}: ${printable(last.detail)}`
  const seen = lastConnectedAt === undefined ? "" : `last connected ${ago(lastConnectedAt, now)}`
  return dim(`${next}${why === "" ? seen : why}`)
}

const peerTable = (now: number) => (peers: ReadonlyArray<PeerView>) =>
  peers.length === 0
    ? "No peers yet. Connect to one with: holdfast connect <address>"
    : table(
        ["PEER", "STATE", "WHERE", "OWED", "RECEIVED", ""],
        peers.map((peer) => [
          short(peer.key),
          stateOf(peer, now),
          peer.session?.remote ?? peer.endpoint ?? "",
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

export const PeersCommand = Command.make(
  "peers",
  {
    transitions: Flag.String("transitions").pipe(
      Flag.withMetavar("<peer>"),
      Flag.withDescription("What happened to the connections with this peer instead; its key, or the beginning of it"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ transitions }) {
    const now = yield* Clock.currentTimeMillis
    if (Option.isNone(transitions)) {
      return yield* print(yield* ask((client) => client.peers()), peerTable(now))
    }
    const key = yield* peerOf(transitions.value)
    yield* print(yield* ask((client) => client.transitions({ params: { key } })), transitionTable(now))
  })
).pipe(
  Command.withDescription("Show the peers: connected or not and why, round trips, what is owed to each"),
  Command.withExamples([
    { command: "holdfast peers" },
    { command: "holdfast peers --transitions 3f2a91c0", description: "What happened to the connections with a peer" },
    { command: "holdfast peers --json" }
  ])
)
