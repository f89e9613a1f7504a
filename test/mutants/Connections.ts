/**
 * Bugs in the life of one connection: its heartbeat, its end, and what it leaves behind.
 */
import type { Mutant } from "./Mutant.ts"

const connection = "src/services/link/Connection.ts"
const links = "src/services/link/Links.ts"
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
    file: connection,
    find: `this.control(this.#wire.pong(nonce))`,
    replace: `this.control(this.#wire.pong(0n))`,
    property: "a pong answers a ping",
    profile: "calm"
  },
  {
    name: "frames-stay-small",
    what: "A live session refuses frames that are larger than those of the handshake.",
    file: connection,
    find: `this.#decoder.established()`,
    replace: ``,
    property: "nobody is accused",
    also: ["calm stays calm", "everyone is connected", "everything arrives"],
    profile: "calm"
  },
  {
    name: "end-ignored",
    what: "The end of the input is swallowed.",
    file: connection,
    find: `Effect.catch((error) => Effect.sync(() => this.#lost(describe(error)))),`,
    replace: `Effect.catch((error) => Effect.sync(() => (this.#over ? this.#lost(describe(error)) : undefined))),`,
    property: "an end is noticed",
    profile: "network"
  },
  {
    name: "truncated-record-accepted",
    what: "Input that ends inside a record counts as a clean end.",
    file: "src/services/link/SecureChannel.ts",
    find: `else failed = truncated === undefined ? new ChannelClosed({}) : new ChannelFailed({ reason: truncated })`,
    replace: `else failed = truncated === undefined ? new ChannelClosed({}) : new ChannelClosed({})`,
    property: "an end has its true reason",
    profile: "network"
  },
  {
    name: "handler-outlives-session",
    what: "What runs on a session goes on when the session has ended.",
    file: links,
    find: `yield* Effect.forkScoped(handled)`,
    replace: `yield* Effect.forkDetach(handled)`,
    property: "nothing is left after a stop",
    also: ["everyone is connected"],
    profile: "calm"
  },
  {
    name: "guard-not-cancelled",
    what: "The timer that guards a handshake is not cancelled when its connection ends.",
    file: links,
    find: `yield* Effect.forkScoped(tooLate)`,
    replace: `yield* Effect.forkDetach(tooLate)`,
    property: "nothing is left after a stop",
    profile: "crash"
  },
  {
    name: "goodbye-not-flushed",
    what: "A node that stops does not wait until its GOODBYE is written.",
    file: links,
    find: `Effect.forEach(leaving, ({ ended }) => Deferred.await(ended), {`,
    replace: `Effect.forEach(leaving, ({ ended }) => Deferred.isDone(ended), {`,
    property: "an end has its true reason",
    profile: "crash"
  },
  {
    name: "queue-off-by-one",
    what: "The send queue takes one frame more than fits.",
    file: "src/services/link/SendQueue.ts",
    find: `this.#bulkBytes + frame.length > this.#limits.bulkBytes`,
    replace: `this.#bulkBytes > this.#limits.bulkBytes`,
    property: "queues within caps",
    profile: "slow"
  }
]
