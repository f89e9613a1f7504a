import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Pool from "../../../src/protocol/bitcoin/Pool.ts"

const settings: Pool.Settings = { ...Pool.defaults, target: 2, most: 3, turnedAway: 1 }

const dial = (id: number, peer = `p${id}`): Pool.Event => ({ _tag: "Dial", id, peer })
const opened = (id: number, now = 0): Pool.Event => ({ _tag: "Opened", id, now })
const accepted = (id: number, peer = `p${id}`, now = 0): Pool.Event => ({ _tag: "Accepted", id, peer, now })
const introduced = (id: number, nonces: readonly [bigint, bigint], peer = `p${id}`): Pool.Event => ({
  _tag: "Introduced",
  id,
  peer,
  nonces
})
const connected = (id: number): Pool.Event => ({ _tag: "Connected", id })
const gone = (id: number): Pool.Event => ({ _tag: "Ended", id })
const probed = (id: number, answered: boolean, rival?: number): Pool.Event => ({
  _tag: "Probed",
  id,
  answered,
  ...(rival === undefined ? {} : { rival })
})

const run = (events: ReadonlyArray<Pool.Event>) => {
  let state = Pool.initial
  const steps = events.map((event) => {
    const step = Pool.step(settings, state, event)
    state = step.state
    return step.actions
  })
  return { state, steps, last: steps.at(-1) ?? [] }
}

const said = (actions: ReadonlyArray<Pool.Action>) =>
  actions.map((action) => `${action._tag} ${action.id}${"kind" in action ? ` ${action.kind}` : ""}`)

/** A connection of another peer that is live. */
const live = (id: number) => [dial(id), opened(id), introduced(id, [1n, 2n]), connected(id)]

describe("the places of a node", () => {
  it("are taken before there is a connection, and given back at any end", () => {
    const { state, steps } = run([dial(1), dial(2), dial(3), dial(4)])
    assert.deepStrictEqual(steps.at(-1), [{ _tag: "Refuse", id: 4, why: "full" }])
    assert.strictEqual(Pool.counted(state), 3)
    const { last } = run([dial(1), dial(2), dial(3), gone(2), dial(4)])
    assert.deepStrictEqual(said(last), ["Proceed 4 Outbound"])
  })

  it("are wanted up to the target, whoever dialled", () => {
    assert.strictEqual(Pool.missing(settings, run([]).state), 2)
    assert.strictEqual(Pool.missing(settings, run([accepted(1)]).state), 1)
    assert.strictEqual(Pool.missing(settings, run([accepted(1), accepted(2), dial(3)]).state), 0)
  })

  it("are told to be full behind the handshake, to so many at once", () => {
    const full = [accepted(1), accepted(2), accepted(3)]
    assert.deepStrictEqual(said(run([...full, accepted(4)]).last), ["Proceed 4 OverCapacity"])
    assert.strictEqual(Pool.counted(run([...full, accepted(4)]).state), 3)
    assert.deepStrictEqual(run([...full, accepted(4), accepted(5)]).last, [{ _tag: "Refuse", id: 5, why: "full" }])
    assert.deepStrictEqual(said(run([...full, accepted(4), gone(4), accepted(5)]).last), ["Proceed 5 OverCapacity"])
  })

  it("are not taken twice for one peer", () => {
    assert.deepStrictEqual(run([dial(1, "x"), dial(2, "x")]).last, [{ _tag: "Refuse", id: 2, why: "engaged" }])
    assert.deepStrictEqual(run([accepted(1, "x"), dial(2, "x")]).last, [{ _tag: "Refuse", id: 2, why: "engaged" }])
    assert.deepStrictEqual(said(run([dial(1, "x"), gone(1), dial(2, "x")]).last), ["Proceed 2 Outbound"])
  })
})

describe("a second connection with a peer", () => {
  const second = [...live(1), accepted(2, "p1", 60_000), introduced(2, [0n, 0n], "p1")]

  it("has the first one asked whether it lives", () => {
    assert.deepStrictEqual(run(second).last, [{ _tag: "Probe", id: 1, rival: 2 }])
  })

  it("goes if it does, and takes its place if not", () => {
    assert.deepStrictEqual(said(run([...second, probed(1, true, 2)]).last), ["Close 2"])
    assert.deepStrictEqual(said(run([...second, probed(1, false, 2)]).last), ["Close 1"])
    assert.strictEqual(Pool.counted(run([...second, probed(1, false, 2)]).state), 1)
  })

  it("that has gone meanwhile costs the first one nothing", () => {
    assert.deepStrictEqual(run([...second, gone(2), probed(1, false, 2)]).last, [])
  })

  it("that was accepted as well goes while the first one is on its way", () => {
    const events = [accepted(1, "x"), introduced(1, [5n, 6n], "x"), accepted(2, "x"), introduced(2, [1n, 2n], "x")]
    assert.deepStrictEqual(said(run(events).last), ["Close 2"])
  })
})

describe("two connections that have crossed", () => {
  /** Nonces of the one that a has dialled and of the one that b has. */
  const nonces = { ofA: [7n, 3n], ofB: [9n, 4n] } as const
  type Who = "a" | "b"

  /** What the node sees: its own dial is 1, the other's is 2. */
  const events = (who: Who) => {
    const [own, theirs] = who === "a" ? [nonces.ofA, nonces.ofB] : [nonces.ofB, nonces.ofA]
    return {
      dial: dial(1, "x"),
      opened: opened(1),
      accepted: accepted(2, "x"),
      outbound: introduced(1, own, "x"),
      inbound: introduced(2, theirs, "x"),
      live1: connected(1),
      live2: connected(2)
    }
  }

  type Name = keyof ReturnType<typeof events>
  const orders: ReadonlyArray<ReadonlyArray<Name>> = [
    ["outbound", "inbound", "live1", "live2"],
    ["inbound", "outbound", "live1", "live2"],
    ["outbound", "live1", "inbound", "live2"],
    ["inbound", "live2", "outbound", "live1"]
  ]

  /** Which one is closed: "ofA" or "ofB". */
  const closed = (who: Who, order: ReadonlyArray<Name>) => {
    const all = events(who)
    const { steps } = run([all.dial, all.opened, all.accepted, ...order.map((name) => all[name])])
    const closes = steps.flat().filter(({ _tag }) => _tag === "Close")
    assert.lengthOf(closes, 1)
    return (closes[0]!.id === 1) === (who === "a") ? "ofA" : "ofB"
  }

  it("end in the one with the lowest nonce at both ends, in whatever order things come", () => {
    for (const order of orders) for (const who of ["a", "b"] as const) assert.strictEqual(closed(who, order), "ofB")
  })

  it("leave one that is asked for a sign of life if it was live already, and goes without one", () => {
    const all = events("a")
    const crossed = [all.dial, all.opened, all.accepted, all.outbound, all.live1, all.inbound]
    assert.deepStrictEqual(said(run(crossed).last), ["Close 2", "Probe 1"])
    assert.deepStrictEqual(said(run([...crossed, gone(2), probed(1, false)]).last), ["Close 1"])
    assert.deepStrictEqual(run([...crossed, gone(2), probed(1, true)]).last, [])
  })
})

describe("whatever comes", () => {
  const Id = Schema.Literals([1, 2, 3, 4, 5])
  const Name = Schema.Literals(["dial", "opened", "accepted", "introduced", "connected", "alive", "dead", "gone"])
  const Events = Schema.Array(Schema.Tuple([Name, Id, Id]))

  const eventOf = ([name, id, other]: readonly [typeof Name.Type, number, number]): Pool.Event => {
    const peer = `p${id % 3}`
    switch (name) {
      case "dial":
        return dial(id, peer)
      case "opened":
        return opened(id, other * 6_000)
      case "accepted":
        return accepted(id, peer, other * 6_000)
      case "introduced":
        return introduced(id, [BigInt(id), BigInt(10 + other)], peer)
      case "connected":
        return connected(id)
      case "gone":
        return gone(id)
      case "alive":
      case "dead":
        return probed(id, name === "alive", other)
    }
  }

  it.prop("there are never more connections than there may be, nor more turned away", [Events], ([events]) => {
    let state = Pool.initial
    for (const given of events) {
      const event = eventOf(given)
      const isNew = event._tag === "Dial" || event._tag === "Accepted"
      // A name is given once.
      if (isNew && state.slots.has(event.id)) continue
      const before = Pool.counted(state)
      const { actions, state: next } = Pool.step(settings, state, event)
      state = next
      assert.isAtMost(Pool.counted(state), settings.most)
      assert.isAtMost(state.slots.size - Pool.counted(state) - closing(state), settings.turnedAway)
      if (!isNew) assert.isAtMost(Pool.counted(state), before)
      for (const action of actions)
        if (action._tag === "Close") assert.strictEqual(phaseOf(state, action.id), "closing")
    }
  })

  const closing = ({ slots }: Pool.State) => [...slots.values()].filter(({ phase }) => phase === "closing").length
  const phaseOf = ({ slots }: Pool.State, id: number) => slots.get(id)?.phase
})
