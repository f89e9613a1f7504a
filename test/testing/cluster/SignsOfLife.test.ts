import { assert, describe, it } from "@effect/vitest"
import * as NodeKey from "../../../src/protocol/NodeKey.ts"
import type { Registry } from "../../../src/services/link/Registry.ts"
import type { View } from "../../../src/testing/cluster/Scenario.ts"
import { connected } from "../../../src/testing/cluster/Sessions.ts"
import { SignsOfLife } from "../../../src/testing/cluster/SignsOfLife.ts"

/** Two nodes, of which "a" has a session with "b" on a connection that can be exchanged. */
const pair = () => {
  const state = { connection: { framesIn: 5 } }
  const registry = {
    sessions: () => [state],
    session: (peer: string) => (peer.startsWith("2") ? state : undefined)
  } as unknown
  const nodeOf = (name: string, byte: string, has: boolean): View["nodes"][number] => ({
    name,
    key: NodeKey.NodeKey.make(byte.repeat(64)),
    life: 1,
    state: "running",
    registry: has ? (registry as Registry["Service"]) : undefined
  })
  return { state, view: { nodes: [nodeOf("a", "1", true), nodeOf("b", "2", false)], now: 0 } }
}

describe("a session at the quiet end", () => {
  it("lives once a frame has come in on it", () => {
    const { state, view } = pair()
    const life = new SignsOfLife(view)
    assert.deepStrictEqual(life.missing, {
      property: connected,
      detail: "a has heard nothing of b on their session since all is quiet"
    })
    state.connection.framesIn = 6
    assert.isUndefined(life.missing)
  })

  it("lives if it is a new one", () => {
    const { state, view } = pair()
    const life = new SignsOfLife(view)
    state.connection = { framesIn: 1 }
    assert.isUndefined(life.missing)
  })
})
