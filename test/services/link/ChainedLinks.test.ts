import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { ChainClaim } from "../../../src/protocol/chain/ChainClaim.ts"
import { kinds } from "../../../src/protocol/chain/ChainMessage.ts"
import { type LinkedChain, NodeChain } from "../../../src/services/link/Beside.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { arbiter, follower, type LinkNode, start } from "../../support/LinkNode.ts"
import { pass, settle } from "../../support/VirtualTime.ts"

const claim: ChainClaim = { id: "main", genesis: "ab".repeat(32), tip: "cd".repeat(32), height: 7 }

/** A chain that is always as `claim` says now, and that says nothing on sessions. */
const keeping = (claim: () => ChainClaim): LinkedChain => ({
  kinds,
  join: () => Effect.void,
  receive: () => undefined,
  claim
})

const nodeOf = (network: MemoryNetwork, seed: number, chain: ChainClaim | undefined) =>
  Effect.provideService(start({ network, seed }), NodeChain, chain === undefined ? undefined : keeping(() => chain))

const pair = Effect.fnUntraced(function* (low: ChainClaim | undefined, high: ChainClaim | undefined) {
  const network = new MemoryNetwork()
  return { low: yield* nodeOf(network, arbiter, low), high: yield* nodeOf(network, follower, high) }
})

const live = (node: LinkNode, peer: LinkNode) => node.registry.session(peer.key)?.session
const dials = (node: LinkNode) =>
  node.registry.recent().filter((it) => it.to === "opening" && it.direction === "outbound").length

describe("two nodes that keep chains", () => {
  it.effect("have a session where they keep the same, and tell each other how far they are", () =>
    Effect.gen(function* () {
      const behind = { ...claim, tip: claim.genesis, height: 0 }
      const { high, low } = yield* pair(claim, behind)
      yield* low.want(high)
      yield* settle
      assert.deepStrictEqual(live(low, high)?.hello.chain, behind)
      assert.deepStrictEqual(live(high, low)?.hello.chain, claim)
    })
  )

  for (const [what, other] of [
    ["begins with another block", { ...claim, genesis: "ac".repeat(32) }],
    ["has another name", { ...claim, id: "other" }]
  ] as const) {
    for (const who of ["low", "high"] as const) {
      it.effect(`have none where that of one ${what}, and ${who} dials once in ten minutes, whoever asks for it`, () =>
        Effect.gen(function* () {
          const nodes = yield* pair(claim, other)
          const [dialler, dialled] = who === "low" ? [nodes.low, nodes.high] : [nodes.high, nodes.low]
          yield* dialler.want(dialled)
          for (let n = 0; n < 59; n++) {
            yield* dialler.supervisor.poke(dialled.key)
            yield* pass("1 minute")
          }
          assert.isUndefined(live(dialler, dialled))
          assert.deepStrictEqual([...nodes.low.sessions, ...nodes.high.sessions], [])
          assert.isAtLeast(dials(dialler), 5)
          assert.isAtMost(dials(dialler), 6)
          const details = [nodes.low, nodes.high].flatMap(({ registry }) =>
            registry.recent().filter(({ to }) => to === "closed")
          )
          assert.isTrue(details.every(({ detail }) => detail?.startsWith("genesis: ")))
          assert.isTrue(details.some(({ detail }) => detail?.includes(`chain "${other.id}" that begins with`)))
        })
      )
    }
  }

  it.effect("have a session where only one of them keeps any", () =>
    Effect.gen(function* () {
      for (const chains of [
        [claim, undefined],
        [undefined, claim]
      ] as const) {
        const { high, low } = yield* pair(chains[0], chains[1])
        yield* low.want(high)
        yield* settle
        assert.deepStrictEqual(live(low, high)?.hello.chain, chains[1])
        assert.deepStrictEqual(live(high, low)?.hello.chain, chains[0])
        yield* low.crash
        yield* high.crash
      }
    })
  )

  it.effect("say in each HELLO where they are when it is made", () =>
    Effect.gen(function* () {
      const network = new MemoryNetwork()
      let height = 1
      const growing = keeping(() => ({ ...claim, height }))
      const low = yield* Effect.provideService(start({ network, seed: arbiter }), NodeChain, growing)
      const first = yield* nodeOf(network, follower, claim)
      yield* first.want(low)
      yield* settle
      assert.strictEqual(live(first, low)?.hello.chain?.height, 1)
      height = 2
      const second = yield* nodeOf(network, 3, claim)
      yield* second.want(low)
      yield* settle
      assert.strictEqual(live(second, low)?.hello.chain?.height, 2)
    })
  )
})
