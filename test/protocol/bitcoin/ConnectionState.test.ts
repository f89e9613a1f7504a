import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { IllegalTransition, Kind, State, transition } from "../../../src/protocol/bitcoin/ConnectionState.ts"

const legal = (kind: Kind): ReadonlyArray<string> =>
  State.literals.flatMap((from) =>
    State.literals.filter((to) => Result.isSuccess(transition(kind, from, to))).map((to) => `${from} to ${to}`)
  )

const ends = ["Rejected to Disconnected", "Failed to Disconnected"]
const handshake = ["Disconnected", "Rejected", "Failed"].map((to) => `AwaitingHandshake to ${to}`)
const connected = ["Disconnected", "Rejected", "Failed"].map((to) => `Connected to ${to}`)

describe("the state of a Bitcoin connection", () => {
  it("goes these ways and no others", () => {
    assert.sameMembers(
      [...legal("Outbound")],
      [
        "Disconnected to Connecting",
        "Connecting to AwaitingHandshake",
        "Connecting to Failed",
        "Connecting to Disconnected",
        "AwaitingHandshake to Connected",
        ...handshake,
        ...connected,
        ...ends
      ]
    )
    assert.sameMembers(
      [...legal("Inbound")],
      ["Disconnected to AwaitingHandshake", "AwaitingHandshake to Connected", ...handshake, ...connected, ...ends]
    )
  })

  it("never is Connected where there was no room", () => {
    for (const from of State.literals) assert.isTrue(Result.isFailure(transition("OverCapacity", from, "Connected")))
  })

  it("says what was tried", () => {
    const tried = transition("Inbound", "Disconnected", "Connecting")
    assert.isTrue(Result.isFailure(tried))
    if (Result.isSuccess(tried)) return
    assert.instanceOf(tried.failure, IllegalTransition)
    assert.strictEqual(tried.failure.message, "a connection (Inbound) cannot go from Disconnected to Connecting")
  })
})
