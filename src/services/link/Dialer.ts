/**
 * The dials of a node, within its limits: so many under way at once, so many a second (docs/PROTOCOL.md, 6). Remembers
 * the addresses that lead back to this node.
 */
import { Effect } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import { type NodeKey, short } from "../../protocol/NodeKey.ts"
import { Buggify } from "../Buggify.ts"
import { BanGate } from "./BanGate.ts"
import * as DialLimits from "./DialLimits.ts"
import { ended } from "./Ended.ts"
import type { Again } from "./LaneKeeper.ts"
import { Links } from "./Links.ts"
import { nothing, type Outcome } from "./Outcome.ts"
import { OwnAddresses } from "./OwnAddresses.ts"
import { Self } from "./Self.ts"
import type { Transport } from "./Transport.ts"

export interface Dialled {
  readonly outcome: Outcome
  /** The IP address to which there was a connection, whatever came of it. */
  readonly host: string | undefined
}

export interface Dialer {
  /**
   * Dials once its turn comes, and runs the connection to its end. Nothing if `isDue` says, when everything is ready
   * for the dial or the connection, that nobody needs it any more.
   */
  readonly dial: (peer: NodeKey, endpoint: Endpoint, isDue: () => boolean) => Effect.Effect<Dialled | undefined>
  /** Whether this endpoint is known to lead back to this node. */
  readonly isOwn: (endpoint: Endpoint) => boolean
  /** What led back to this node may lead elsewhere now. */
  readonly forgetOwn: () => void
}

export const make: Effect.Effect<Dialer, never, Links | Self | Transport> = Effect.gen(function* () {
  const links = yield* Links
  const self = yield* Self
  const gate = yield* BanGate
  const buggify = yield* Buggify
  const connect = yield* DialLimits.make
  const announced = () => {
    const own = new OwnAddresses()
    if (self.listen !== undefined) own.note(self.listen)
    return own
  }
  let own = announced()

  const dial = Effect.fnUntraced(function* (peer: NodeKey, endpoint: Endpoint, isDue: () => boolean) {
    const socket = yield* connect(endpoint, isDue)
    if (socket === undefined || !isDue()) return
    if (buggify.fires("link.dial-given-up")) {
      return { outcome: nothing(ended("dial-failed", "given up")), host: undefined }
    }
    const host = socket.remoteHost
    // Where a name leads is known only now.
    const kept = gate.keptOut(peer, host)
    if (kept !== undefined) {
      return { outcome: nothing(ended("refused", `${host} is banned: ${kept.reason}`)), host }
    }
    const again: Again = (isWanted) => connect(endpoint, isWanted)
    const from = { direction: "outbound", remote: endpoint.toString(), host, expected: peer, again } as const
    const outcome = yield* links.serve(socket, from)
    if (outcome.reject?.reason === "self") own.note(endpoint)
    return { outcome, host }
  }, Effect.scoped)

  return {
    dial: (peer, endpoint, isDue) =>
      Effect.catchTag(dial(peer, endpoint, isDue), "DialFailed", (error) =>
        Effect.as(
          Effect.logDebug("Dial failed").pipe(Effect.annotateLogs({ peer: short(peer), detail: error.message })),
          { outcome: nothing(ended("dial-failed", error.message)), host: undefined }
        )
      ),
    isOwn: (endpoint) => own.has(endpoint),
    forgetOwn: () => void (own = announced())
  }
})
