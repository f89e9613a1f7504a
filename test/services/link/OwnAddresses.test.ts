import { assert, describe, it } from "@effect/vitest"
import { OwnAddresses } from "../../../src/services/link/OwnAddresses.ts"

describe("addresses that lead back here", () => {
  it("are known again in any form, by host and port", () => {
    const own = new OwnAddresses()
    own.note({ host: "::ffff:192.0.2.1", port: 4_001 })
    own.note({ host: "Node.Example", port: 4_001 })
    assert.isTrue(own.has({ host: "192.0.2.1", port: 4_001 }))
    assert.isTrue(own.has({ host: "node.example", port: 4_001 }))
    assert.isFalse(own.has({ host: "192.0.2.1", port: 4_002 }))
    assert.isFalse(own.has({ host: "192.0.2.2", port: 4_001 }))
  })

  it("are sixty-four at the most, and what was noted again is the newest", () => {
    const own = new OwnAddresses()
    const place = (port: number) => ({ host: "192.0.2.1", port })
    for (let port = 1; port <= 64; port++) own.note(place(port))
    own.note(place(1))
    own.note(place(65))
    assert.deepStrictEqual(
      [1, 2, 3, 65].map((port) => own.has(place(port))),
      [true, false, true, true]
    )
    for (let port = 100; port < 10_000; port++) own.note(place(port))
    const known = Array.from({ length: 10_000 }, (_, port) => port).filter((port) => own.has(place(port)))
    assert.deepStrictEqual([known.length, known[0]], [64, 9_936])
  })
})
