/**
 * A peer that is known by its name, and whose name leads elsewhere when it comes back: it is found there.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type * as Net from "node:net"
import { Address } from "../../src/protocol/Address.ts"
import * as LinkConfig from "../../src/services/link/LinkConfig.ts"
import { freePort } from "../support/FreePort.ts"
import * as TcpNode from "../support/links/TcpNode.ts"

const name = "peer.example"
const redial = { ...LinkConfig.defaults.redial, baseMillis: 100, capMillis: 200 }

describe("a peer with a name", () => {
  it.live("is dialled where its name leads now, after it has moved", () =>
    Effect.gen(function* () {
      let host = "127.0.0.2"
      const asked: Array<string> = []
      const lookup: Net.LookupFunction = (name, { all }, answer) => {
        asked.push(`${name} ${host}`)
        if (all === true) answer(null, [{ address: host, family: 4 }])
        else answer(null, host, 4)
      }
      const node = yield* TcpNode.start({ number: 1, link: { redial }, tcp: { lookup } })
      const port = yield* Effect.promise(() => freePort())
      const life = yield* Scope.make()
      const peer = yield* Scope.provide(TcpNode.start({ number: 2, listen: { host, port } }), life)
      yield* Effect.orDie(node.node.connect(new Address({ key: peer.key, host: name, port })))
      yield* node.until(() => node.peers().size === 1)

      host = "127.0.0.3"
      yield* Scope.close(life, Exit.void)
      yield* node.until(() => node.peers().size === 0)
      const moved = yield* TcpNode.start({ number: 2, listen: { host, port } })
      yield* moved.until(() => moved.peers().size === 1)
      assert.deepStrictEqual(new Set(asked), new Set([`${name} 127.0.0.2`, `${name} 127.0.0.3`]))
    })
  )
})
