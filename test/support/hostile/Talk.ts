/**
 * What a peer may say of links and sessions that knows the protocol and does not care: any message in any order, with
 * fields that fit and fields that do not, spoilt and cut.
 */
import { roleOf } from "../../../src/protocol/link/Arbiter.ts"
import type { ChainClaim } from "../../../src/protocol/chain/ChainClaim.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as LinkMessage from "../../../src/protocol/link/LinkMessage.ts"
import type { NodeKey } from "../../../src/protocol/NodeKey.ts"
import * as NodeSecret from "../../../src/protocol/NodeSecret.ts"
import { greeting, uuid } from "../HostilePeer.ts"
import { type Chance, joined } from "./Fuzz.ts"
import type * as PlainLinks from "./PlainLinks.ts"

const { Kind } = Frame

const keyOf = (byte: number): NodeKey => NodeSecret.fromSeed(new Uint8Array(32).fill(byte)).key
const keys = [1, 2, 3, 4, 5].map(keyOf).sort()

/** The node that is talked to. */
export const self = {
  /** With peers on either side of it. */
  key: keys[2]!,
  network: "test",
  instance: uuid(1),
  database: uuid(2),
  incarnation: 7n,
  versions: { min: Frame.version, max: Frame.version },
  agent: "node",
  protocols: [],
  listen: undefined
}

/** A peer that decides about the sessions with it. */
export const arbiterOfSelf = keys[0]!

const peers = [keys[0]!, keys[1]!, keys[3]!, keys[4]!]

/** One connection with one of a few peers. */
export interface Talk {
  readonly peer: NodeKey
  readonly direction: "inbound" | "outbound"
  /** Everything that the peer says. */
  readonly bytes: Uint8Array
  readonly acts: ReadonlyArray<PlainLinks.Act>
}

const number = (chance: Chance): bigint =>
  chance.pick([0n, 1n, 2n, BigInt(chance.below(20)), 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])

const chainOf = (chance: Chance): ChainClaim => ({
  id: "main",
  genesis: "ab".repeat(32),
  tip: "cd".repeat(32),
  height: chance.below(9)
})

const helloOf = (chance: Chance): LinkMessage.Hello => ({
  ...greeting,
  network: chance.oneIn(12) ? "other" : "test",
  instance: chance.oneIn(12) ? self.instance : uuid(900 + chance.below(3)),
  database: uuid(900 + chance.below(2)),
  incarnation: BigInt(chance.below(4)),
  versions: chance.oneIn(12) ? { min: 3, max: 5 } : greeting.versions,
  knows: chance.oneIn(2) ? 0n : number(chance),
  holds: chance.oneIn(3),
  ...(chance.oneIn(3) ? {} : { lanes: 1 + chance.below(9) }),
  ...(chance.oneIn(3) ? { chain: chainOf(chance) } : {})
})

/** Often for a lane of a session that may be there. */
const joinOf = (chance: Chance): Uint8Array => {
  const session = chance.pick([1n, 1n, BigInt(1 + chance.below(9)), number(chance)])
  return Frame.encode(
    Kind.Join,
    LinkMessage.join.encode({ session, lane: 1 + chance.below(chance.oneIn(8) ? 255 : 2) })
  )
}

/** A frame of whatever kind, as who knows the protocol would make it. */
const frameOf = (chance: Chance): Uint8Array => {
  const detail = "x".repeat(chance.below(20))
  switch (chance.below(11)) {
    case 0:
    case 1:
      return Frame.encode(Kind.Hello, LinkMessage.hello.encode(helloOf(chance)))
    case 2:
    case 3:
      return Frame.encode(Kind.Commit, LinkMessage.commit.encode({ number: number(chance) }))
    case 4: {
      const reason = chance.pick(LinkMessage.RejectReason.literals)
      return Frame.encode(Kind.Reject, LinkMessage.reject.encode({ reason, number: number(chance), detail }))
    }
    case 5: {
      const reason = chance.pick(LinkMessage.GoodbyeReason.literals)
      const retryAfterMillis = chance.below(86_400_001)
      return Frame.encode(Kind.Goodbye, LinkMessage.goodbye.encode({ reason, retryAfterMillis, detail }))
    }
    case 6:
      return Frame.encode(chance.pick([Kind.Ping, Kind.Pong]), chance.bytes(chance.oneIn(8) ? chance.below(20) : 8))
    case 7:
      return Frame.encode(
        chance.pick([Kind.Data, Kind.Resume, Kind.Receipt, Kind.Stream, Kind.Ask, Kind.Blocks, Kind.Tip]),
        chance.bytes(chance.below(60))
      )
    case 8:
      return joinOf(chance)
    case 9:
      return Frame.encode(Kind.Joined, LinkMessage.joined.encode({ session: 1n, lane: 1 }))
    default:
      return Frame.encode(chance.below(256), chance.bytes(chance.below(60)))
  }
}

/** A session that nothing comes on, so that it lives for a while. */
const quiet = (chance: Chance, peer: NodeKey): ReadonlyArray<Uint8Array> => {
  const hello = LinkMessage.hello.encode({ ...greeting, lanes: 1 + chance.below(9) })
  const commit = Frame.encode(Kind.Commit, LinkMessage.commit.encode({ number: 1n }))
  return [Frame.encode(Kind.Hello, hello), ...(roleOf(self.key, peer) === "arbiter" ? [] : [commit])]
}

/** The frames of one connection, often with the beginning that makes a session. */
const framesOf = (chance: Chance, peer: NodeKey): ReadonlyArray<Uint8Array> => {
  const frames = Array.from({ length: chance.below(7) }, () => frameOf(chance))
  if (chance.oneIn(4)) return frames
  if (chance.oneIn(4)) return [joinOf(chance), ...frames]
  const hello = Frame.encode(Kind.Hello, LinkMessage.hello.encode({ ...helloOf(chance), network: "test" }))
  const commit = Frame.encode(Kind.Commit, LinkMessage.commit.encode({ number: BigInt(1 + chance.below(9)) }))
  return roleOf(self.key, peer) === "arbiter" ? [hello, ...frames] : [hello, commit, ...frames]
}

const spoilt = (chance: Chance, frames: ReadonlyArray<Uint8Array>): Uint8Array => {
  const kept = chance.oneIn(3)
    ? frames.map((frame) => (chance.oneIn(4) ? Frame.encode(frame[5]!, chance.spoil(frame.subarray(6))) : frame))
    : frames
  const bytes = joined(...kept)
  return chance.oneIn(6) ? chance.spoil(bytes) : bytes
}

const actsOf = (chance: Chance, bytes: Uint8Array): ReadonlyArray<PlainLinks.Act> => {
  const acts: Array<PlainLinks.Act> = []
  for (const piece of chance.cut(bytes)) {
    acts.push({ _tag: "Bytes", bytes: piece })
    if (chance.oneIn(5)) acts.push({ _tag: "Waits", millis: chance.oneIn(50) ? 3_000 : chance.below(3) })
  }
  if (chance.oneIn(4)) acts.push({ _tag: "Waits", millis: chance.below(12_000) })
  if (!chance.oneIn(4)) acts.push({ _tag: chance.oneIn(3) ? "Breaks" : "Closes" })
  return acts
}

const talkOf = (chance: Chance): Talk => {
  const peer = chance.pick(peers)
  const bytes = spoilt(chance, framesOf(chance, peer))
  return { peer, bytes, direction: chance.pick(["inbound", "outbound"] as const), acts: actsOf(chance, bytes) }
}

/** One that wants a lane of a session of this peer. */
const visitOf = (chance: Chance, peer: NodeKey): Talk => {
  const frames = Array.from({ length: chance.below(4) }, () => frameOf(chance))
  const bytes = spoilt(chance, [joinOf(chance), ...frames])
  return { peer, bytes, direction: "inbound", acts: [{ _tag: "Waits", millis: 1 }, ...actsOf(chance, bytes)] }
}

/** A connection for each, with a few peers; or a session that the others want lanes of. */
export const talksOf = (chances: ReadonlyArray<Chance>): ReadonlyArray<Talk> => {
  const [first, ...others] = chances
  if (first === undefined || !first.oneIn(6)) return chances.map(talkOf)
  const peer = first.pick(peers)
  const bytes = joined(...quiet(first, peer))
  const acts = [
    { _tag: "Bytes", bytes },
    { _tag: "Waits", millis: 50 + first.below(3_000) },
    { _tag: "Closes" }
  ] as const
  return [{ peer, bytes, direction: "inbound", acts }, ...others.map((chance) => visitOf(chance, peer))]
}
