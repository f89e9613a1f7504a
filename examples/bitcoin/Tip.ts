/**
 * A Bitcoin client of forty lines, as an example of code that is to be tested: asks a node for its headers and tells the id of
 * the last one.
 */
import { Effect } from "effect"
import * as Headers from "holdfast/protocol/bitcoin/Headers"
import * as MessageFrame from "holdfast/protocol/bitcoin/MessageFrame"
import type { Network } from "holdfast/protocol/bitcoin/Network"
import * as PayloadLimits from "holdfast/protocol/bitcoin/PayloadLimits"
import * as Version from "holdfast/protocol/bitcoin/Version"
import type { Endpoint } from "holdfast/protocol/Address"
import { Transport } from "holdfast/services/link/Transport"

const nobody = { services: 0n, host: "0.0.0.0", port: 0 }
const own: Version.Version = {
  version: 70_016,
  services: 0n,
  time: 0n,
  receiver: nobody,
  sender: nobody,
  nonce: 42n,
  agent: "/tip:1/",
  height: -1,
  relay: false
}

/** The last header of those that the node gives after the first block; `undefined` if it has no other. */
export const tip = Effect.fn("tip")(function* (network: Network, endpoint: Endpoint) {
  const socket = yield* (yield* Transport).dial(endpoint)
  const { pull } = yield* socket.reader
  const { write } = yield* socket.writer
  const say = (command: string, payload: Uint8Array) => write(MessageFrame.encode(network, command, payload))
  const decoder = new MessageFrame.Decoder(network, PayloadLimits.early)
  const question = { version: own.version, locator: [network.genesis], stop: "0".repeat(64) }
  const heard = new Set<string>()
  yield* say("version", Version.version.encode(own))
  while (true) {
    const messages: Array<MessageFrame.Message> = []
    for (const chunk of yield* pull) if (typeof chunk !== "string") decoder.feed(chunk, messages)
    for (const { body, command } of messages) {
      if (command === "version") yield* say("verack", new Uint8Array(0))
      if (command === "ping") yield* say("pong", body)
      // They may come in either order, and nobody is asked before both have.
      const isOver = heard.has("version") && heard.has("verack")
      heard.add(command)
      if (!isOver && heard.has("version") && heard.has("verack"))
        yield* say("getheaders", Headers.getheaders.encode(question))
      if (command === "headers") return (yield* Effect.fromResult(Headers.headers.decode(body))).at(-1)?.id
    }
  }
}, Effect.scoped)
