import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import type { ChainClaim } from "../../../src/protocol/chain/ChainClaim.ts"
import * as ChainMessage from "../../../src/protocol/chain/ChainMessage.ts"
import { Kind } from "../../../src/protocol/link/Frame.ts"
import { none } from "../../../src/services/Buggify.ts"
import { type LinkedChain, NodeChain } from "../../../src/services/link/Beside.ts"
import { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import * as WholeNode from "../../support/WholeNode.ts"

const claim: ChainClaim = { id: "main", genesis: "ab".repeat(32), tip: "cd".repeat(32), height: 7 }
const ask = ChainMessage.encode({ _tag: "Ask", locator: [claim.genesis] })

/** A chain that writes down what it is given, and finds fault with HEADERS where a test says so. */
class Chain implements LinkedChain {
  readonly kinds = ChainMessage.kinds
  readonly seen: Array<string> = []
  fault: string | undefined
  readonly claim = () => claim
  readonly join: LinkedChain["join"] = (session) =>
    Effect.acquireRelease(
      Effect.andThen(
        Effect.sync(() => void this.seen.push("joined")),
        // The first thing that is said on the session: before RESUME.
        session.send(ask.kind, ask.body)
      ),
      () => Effect.sync(() => void this.seen.push("left"))
    )
  readonly receive: LinkedChain["receive"] = (_session, { kind }) => {
    this.seen.push(`frame ${kind}`)
    return kind === Kind.Headers ? this.fault : undefined
  }
}

const start = (network: MemoryNetwork, seed: number, chain: LinkedChain | undefined) =>
  Effect.gen(function* () {
    const database = yield* MemoryDatabase
    return yield* WholeNode.start({ network, seed, database, points: none, decide: () => Effect.void })
  }).pipe(Effect.provide(MemoryDatabase.layer), Effect.provideService(NodeChain, chain))

const pair = Effect.fnUntraced(function* (left: LinkedChain | undefined, right: LinkedChain | undefined) {
  const network = new MemoryNetwork()
  const [ann, ben] = [yield* start(network, 1, left), yield* start(network, 2, right)]
  yield* ann.connect(ben.address)
  yield* TestClock.adjust("1 minute")
  return { ann, ben, session: ann.registry.session(ben.key)!.session }
})

const violations = ({ registry }: WholeNode.WholeNode) =>
  registry.recent().flatMap(({ detail, reason }) => (reason === "violation" ? [detail] : []))

describe("frames of a chain", () => {
  it.effect("go to the chain of the other side, also before RESUME, from the join to the end of the session", () =>
    Effect.gen(function* () {
      const [left, right] = [new Chain(), new Chain()]
      const { ann, ben, session } = yield* pair(left, right)
      assert.deepStrictEqual(right.seen, ["joined", "frame 32"])
      for (const kind of ChainMessage.kinds) yield* session.send(kind, new Uint8Array(3))
      yield* ann.send(ben.key, { lane: "a", n: 1 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(right.seen.slice(2), ["frame 32", "frame 33", "frame 34", "frame 35", "frame 36"])
      assert.deepStrictEqual(yield* ben.handled, ["a 1"])
      yield* session.close("unwanted", "the test")
      yield* TestClock.adjust("2 seconds")
      for (const { seen } of [left, right]) assert.strictEqual(seen.indexOf("left"), seen === left.seen ? 2 : 7)
    })
  )

  it.effect("end the session with what the chain says is wrong with them", () =>
    Effect.gen(function* () {
      const [left, right] = [new Chain(), new Chain()]
      const { ben, session } = yield* pair(left, right)
      right.fault = "HEADERS came unasked"
      yield* session.send(Kind.Headers, new Uint8Array(0))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(violations(ben), ["HEADERS came unasked"])
    })
  )

  for (const kind of ChainMessage.kinds) {
    it.effect(`of kind ${kind} are a violation where the node keeps no chain`, () =>
      Effect.gen(function* () {
        const chain = new Chain()
        const { ben, session } = yield* pair(chain, undefined)
        assert.deepStrictEqual(chain.seen, [], "nobody is there to speak with")
        yield* session.send(kind, ask.body)
        yield* TestClock.adjust("2 seconds")
        assert.lengthOf(violations(ben), 1)
        assert.match(violations(ben)[0]!, /^[A-Z]+ came, and this node has not said that it keeps a chain$/)
      })
    )
  }

  it.effect("are a violation where the peer has not said which chain it keeps", () =>
    Effect.gen(function* () {
      const chain = new Chain()
      const { ben, session } = yield* pair(undefined, chain)
      yield* session.send(Kind.Want, ask.body)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(violations(ben), ["WANT came from a node that has not said which chain it keeps"])
      assert.deepStrictEqual(chain.seen, [])
    })
  )

  it.effect("are not the only ones that nobody may read: STREAM ends the session as before", () =>
    Effect.gen(function* () {
      const { ben, session } = yield* pair(new Chain(), new Chain())
      yield* session.send(Kind.Stream, new Uint8Array(3))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(violations(ben), ["frame kind 19 is nothing that this node reads"])
    })
  )
})
