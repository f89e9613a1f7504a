/**
 * A peer that sends what costs most for its bytes: records of one byte, without end. It knows the handshake and the
 * records of a link and nothing else.
 */
import { Effect } from "effect"
import * as Net from "node:net"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import * as Noise from "../../../src/protocol/link/Noise.ts"
import * as Record from "../../../src/protocol/link/Record.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { greeting } from "../HostilePeer.ts"
import type { Part } from "./FloodPart.ts"
import { seedOf } from "./SessionNode.ts"

/** A connection on which a HELLO has been said. */
interface Met {
  readonly socket: Net.Socket
  readonly sealer: Record.Sealer
}

/** Meets the hub, which makes it a session if it decides about sessions with this node. */
export const meet = ({ hub, numbers }: Pick<Part, "hub" | "numbers">) =>
  Effect.callback<Met>((resume) => {
    const { key, linkKeys } = NodeSecret.fromSeed(seedOf(numbers[0]!))
    const ephemeral = new Uint8Array(32).fill(7)
    const machine = Noise.initiator({ key, linkKeys, ephemeral }, hub.key)
    const socket = Net.createConnection({ host: hub.host, port: hub.port })
    socket.on("error", () => undefined)
    for (const bytes of machine.start().send) socket.write(bytes)
    let sealer: Record.Sealer | undefined
    socket.on("data", (chunk) => {
      // What comes behind the answer to HELLO is of no interest.
      if (sealer !== undefined) return
      const { done } = machine.feed(Uint8Array.from(chunk))
      if (done === undefined) return
      sealer = new Record.Sealer(done.txKey)
      socket.write(sealer.seal([Frame.encode(Frame.Kind.Hello, LinkMessage.hello.encode(greeting))]))
      resume(Effect.succeed({ socket, sealer }))
    })
  })

/** One byte of a frame after the other, each in a record of its own; the frame anew when it is done. */
export const dribble = ({ sealer, socket }: Met, { kind, size }: Pick<Part, "kind" | "size">): Effect.Effect<never> => {
  const frame = Frame.encode(kind, new Uint8Array(size))
  let at = 0
  const batch = (): Uint8Array =>
    Buffer.concat(
      Array.from({ length: 3_000 }, () => {
        const record = sealer.seal([frame.subarray(at, at + 1)])
        at = (at + 1) % frame.length
        return record
      })
    )
  return Effect.forever(
    Effect.callback<void>((resume) => {
      if (socket.write(batch())) setImmediate(() => resume(Effect.void))
      else socket.once("drain", () => resume(Effect.void))
    })
  )
}
