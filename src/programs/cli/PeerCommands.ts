/**
 * `holdfast connect` and `disconnect`: whom the node wants to be connected to.
 */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { AddressFromString } from "../../protocol/Address.ts"
import { short } from "../../protocol/NodeKey.ts"
import { ask, peerOf } from "./Client.ts"
import { peer } from "./Given.ts"
import { print } from "./Root.ts"

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
