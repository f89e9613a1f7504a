/**
 * Bugs in the life of one connection: its heartbeat, its end, and what it leaves behind.
 */
import type { Mutant } from "./Mutant.ts"

const connection = "src/services/link/Connection.ts"
const reader = "src/services/link/Reader.ts"
const conversation = "src/services/link/Conversation.ts"
const session = "src/services/link/RunningSession.ts"
const heartbeat = "src/protocol/link/Heartbeat.ts"

export const connections: ReadonlyArray<Mutant> = [
  {
    name: "keepalive-never-fires",
    what: "An idle link is never asked for a sign of life.",
    file: heartbeat,
    find: `if (silent < profile.interval) return quiet(state)`,
    replace: `if (silent < Number.POSITIVE_INFINITY) return quiet(state)`,
    property: "everyone is connected",
    profile: "calm"
  },
  {
    name: "late-tick-condemns",
    what: "A late timer of one's own counts as the silence of the peer.",
    file: heartbeat,
    find: `if (late > profile.interval / 2) return ping({ ...state, judgedFrom: now }, now, nonce)`,
    replace: `if (late > profile.interval / 2) return { state, actions: [{ _tag: "Dead", silentMillis: silent }] }`,
    property: "who stood still condemns nobody",
    profile: "clock"
  },
  {
    name: "pong-without-nonce",
    what: "A pong does not carry the nonce of its ping.",
    file: reader,
    find: `return this.#pong(beat.nonce)`,
    replace: `return this.#pong(0n)`,
    property: "a pong answers a ping",
    profile: "calm"
  },
  {
    name: "frames-stay-small",
    what: "A live session refuses frames that are larger than those of the handshake.",
    file: connection,
    find: `this.#reader.established()`,
    replace: ``,
    property: "nobody is accused",
    also: ["calm stays calm", "everyone is connected", "everything arrives"],
    profile: "calm"
  },
  {
    name: "end-ignored",
    what: "The end of the input is swallowed.",
    file: reader,
    find: `if (Option.isSome(error)) this.#lost(describe(error.value))`,
    replace: `if (Option.isSome(error)) void describe(error.value)`,
    property: "an end is noticed",
    profile: "network"
  },
  {
    name: "truncated-record-accepted",
    what: "Input that ends inside a record counts as a clean end.",
    file: "src/services/link/SecureChannel.ts",
    find: `else this.#failed = truncated === undefined ? closed : new ChannelFailed({ reason: truncated })`,
    replace: `else this.#failed = truncated === undefined ? closed : closed`,
    property: "an end has its true reason",
    profile: "network"
  },
  {
    name: "handler-outlives-session",
    what: "What runs on a session goes on when the session has ended.",
    file: session,
    find: `return this.#handler === undefined ? Effect.void : Fiber.interrupt(this.#handler)`,
    replace: `return Effect.void`,
    property: "everyone is connected",
    profile: "network"
  },
  {
    name: "guard-not-cancelled",
    what: "The timer that guards a handshake is not cancelled when the session begins.",
    file: conversation,
    find: `    this.#session = session
    this.#deadline.cancel()`,
    replace: `    this.#session = session
`,
    property: "calm stays calm",
    also: ["nobody is accused"],
    profile: "calm"
  },
  {
    name: "goodbye-not-flushed",
    what: "A node that stops does not wait until its GOODBYE is written.",
    file: "src/services/link/Links.ts",
    find: `Effect.forEach(leaving, ({ connection }) => Deferred.await(connection.ended), {`,
    replace: `Effect.forEach(leaving, ({ connection }) => Deferred.isDone(connection.ended), {`,
    property: "an end has its true reason",
    profile: "crash"
  },
  {
    name: "alarms-outlive-the-node",
    what: "The clock of the links goes on when the node has stopped.",
    file: "src/services/link/Alarms.ts",
    find: `yield* FiberHandle.makeRuntime<never, void>()`,
    replace: `Effect.runForkWith(yield* Effect.context<never>())`,
    property: "nothing is left after a stop",
    profile: "calm"
  }
]
