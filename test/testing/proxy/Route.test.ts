import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Endpoint } from "../../../src/protocol/Address.ts"
import { parse } from "../../../src/testing/proxy/Route.ts"

describe("a route", () => {
  it("is read with and without the port to dial", () => {
    const target = new Endpoint({ host: "127.0.0.1", port: 7001 })
    assert.deepStrictEqual(parse("a>b=127.0.0.1:7001"), Result.succeed({ from: "a", to: "b", target }))
    assert.deepStrictEqual(parse("a>b=7101:127.0.0.1:7001"), Result.succeed({ from: "a", to: "b", target, port: 7101 }))
    const v6 = new Endpoint({ host: "::1", port: 7001 })
    assert.deepStrictEqual(parse(" n26>b=[::1]:7001"), Result.succeed({ from: "n26", to: "b", target: v6 }))
    assert.deepStrictEqual(parse("a>b=7101:[::1]:7001"), Result.succeed({ from: "a", to: "b", target: v6, port: 7101 }))
  })

  it("that is not one is refused with what one looks like", () => {
    const wrong = {
      "": "it does not have this form",
      "a-b=127.0.0.1:7001": "it does not have this form",
      "A>b=127.0.0.1:7001": "it does not have this form",
      "a>a=127.0.0.1:7001": "a node does not dial itself",
      "a>b=127.0.0.1": "127.0.0.1 is not host:port",
      "a>b=127.0.0.1:0": "127.0.0.1:0 is not host:port",
      "a>b=0:127.0.0.1:7001": "0 is not a port",
      "a>b=70000:127.0.0.1:7001": "70000 is not a port"
    }
    for (const [text, problem] of Object.entries(wrong)) {
      const parsed = parse(text)
      assert.isTrue(Result.isFailure(parsed), text)
      if (Result.isFailure(parsed)) {
        assert.include(parsed.failure.message, problem)
        assert.include(parsed.failure.message, "a>b=127.0.0.1:7001")
      }
    }
  })
})
