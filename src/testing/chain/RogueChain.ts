/** The ways to misbehave of the scenario `chain`: each node with such a part keeps a chain as it should, and does one thing otherwise. */
import { Effect } from "effect"
import { type ChainMessage, decode, encode } from "../../protocol/chain/ChainMessage.ts"
import { type Frame, Kind } from "../../protocol/link/Frame.ts"
import type { LinkedChain } from "../../services/link/Beside.ts"
import type { Session } from "../../services/link/Session.ts"
import type { Part } from "./ChainCast.ts"
import type { Interception } from "./Interception.ts"

/** Milliseconds: by which bodies of a slow node are late, and between two messages of a flooder. */
const [slowness, flood] = [4_000, 700]
const boast = { height: 1_000_000, tip: "ab".repeat(32) }

const say = (session: Session, message: ChainMessage): Effect.Effect<void> => {
  const { body, kind } = encode(message)
  return session.send(kind, body)
}

/** Sends a frame of a kind in another way, all others as they are. */
const other =
  (kind: number, send: (session: Session, frame: Frame) => Effect.Effect<void>): NonNullable<Interception["send"]> =>
  (session, frame) =>
    frame.kind === kind ? send(session, frame) : session.send(frame.kind, frame.body)

/** The same bodies with one more byte. */
const forged = (session: Session, frame: Frame): Effect.Effect<void> => {
  const message = decode(frame)
  if (message?._tag !== "Success" || message.success._tag !== "Blocks") return session.send(frame.kind, frame.body)
  const bodies = message.success.bodies.map((body) => Uint8Array.of(...body, 0))
  return say(session, { ...message.success, bodies })
}

const floods = (session: Session): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* say(session, { _tag: "Blocks", request: 77, bodies: [Uint8Array.of(0, 0, 0, 0)], missing: false })
    yield* Effect.sleep(flood)
    yield* say(session, { _tag: "Headers", headers: [] })
    yield* Effect.sleep(flood)
  }).pipe(Effect.forever)

/** What is done otherwise in this part, on top of a chain as it should be. */
export const rogueOf = (part: Part, chain: LinkedChain): Interception | undefined => {
  switch (part) {
    case "boaster":
      return {
        claim: () => ({ ...chain.claim(), ...boast }),
        send: (session, frame) => {
          if (frame.kind === Kind.Headers) return say(session, { _tag: "Headers", headers: [] })
          return frame.kind === Kind.Tip ? Effect.void : session.send(frame.kind, frame.body)
        }
      }
    case "forger":
      return { send: other(Kind.Blocks, forged) }
    case "flooder":
      return { join: (session) => Effect.asVoid(Effect.forkScoped(floods(session))) }
    case "frozen":
      return { receive: (_session, { kind }) => kind !== Kind.Want }
    case "slow":
      return {
        send: other(Kind.Blocks, (session, { body, kind }) =>
          Effect.andThen(Effect.sleep(slowness), session.send(kind, body))
        )
      }
    default:
      return undefined
  }
}
