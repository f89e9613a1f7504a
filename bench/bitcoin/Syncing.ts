/**
 * How fast headers come from a real litecoind over loopback: to a node of ours, which checks and keeps them, and to a bare loop
 * that asks for the next page and looks at nothing else, which is how fast that server gives them.
 */
import { Effect } from "effect"
import * as net from "node:net"
import * as Hash from "../../src/protocol/bitcoin/Hash.ts"
import * as Headers from "../../src/protocol/bitcoin/Headers.ts"
import * as MessageFrame from "../../src/protocol/bitcoin/MessageFrame.ts"
import * as PayloadLimits from "../../src/protocol/bitcoin/PayloadLimits.ts"
import { sha256d } from "../../src/protocol/bitcoin/Sha256d.ts"
import * as Version from "../../src/protocol/bitcoin/Version.ts"
import type { Endpoint } from "../../src/protocol/Address.ts"
import { version } from "../../test/support/BitcoinPeerLab.ts"
import { networkNamed } from "../../test/support/BitcoinVectors.ts"
import * as Litecoind from "../../test/support/interop/Litecoind.ts"
import * as RealManager from "../../test/support/interop/RealManager.ts"

export const contenders = ["holdfast", "litecoind, bare loop"] as const
export type Contender = (typeof contenders)[number]

const network = networkNamed("ltc-regtest")
/** Bytes of a header in its list: its own, and a count that is always 0. */
const each = 81

/** Milliseconds from the dial to the last header. */
const ours = Effect.fnUntraced(function* (endpoint: Endpoint, height: number) {
  const node = yield* RealManager.start(network.name, { listen: undefined })
  const begin = performance.now()
  yield* node.call(endpoint)
  yield* node.tip(height)
  return performance.now() - begin
})

const bare = ({ host, port }: Endpoint, height: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const begin = performance.now()
    const socket = net.connect(port, host)
    const decoder = new MessageFrame.Decoder(network, PayloadLimits.limits(PayloadLimits.defaults))
    const say = (command: string, payload: Uint8Array = new Uint8Array(0)) =>
      socket.write(MessageFrame.encode(network, command, payload))
    const ask = (id: string) =>
      say("getheaders", Headers.getheaders.encode({ version: Version.current, locator: [id], stop: Hash.zero }))
    let known = 0
    const take = (body: Uint8Array): void => {
      known += Math.floor(body.length / each)
      if (known < height) return void ask(Hash.display(sha256d(body.subarray(-each, -1))))
      socket.destroy()
      resolve(performance.now() - begin)
    }
    socket.on("connect", () => say("version", Version.version.encode({ ...version, version: 70_015 })))
    socket.on("error", reject)
    socket.on("data", (chunk) => {
      const messages: Array<MessageFrame.Message> = []
      decoder.feed(chunk, messages)
      for (const { body, command } of messages) {
        if (command === "version") say("verack")
        else if (command === "verack") ask(network.genesis)
        else if (command === "ping") say("pong", body)
        else if (command === "headers") take(body)
      }
    })
  })

/** Headers a second of each contender in each run, the runs beginning with another one. */
export const measure = (
  runs: number,
  height: number,
  seen: (run: number, contender: Contender, rate: number) => void
): Promise<void> =>
  Effect.gen(function* () {
    const server = yield* Litecoind.start()
    yield* server.mine(height)
    for (let run = 0; run < runs; run++) {
      for (const contender of contenders.map((_, i) => contenders[(i + run) % 2]!)) {
        const millis = yield* contender === "holdfast"
          ? Effect.scoped(ours(server.endpoint, height))
          : Effect.promise(() => bare(server.endpoint, height))
        seen(run, contender, (height / millis) * 1_000)
      }
    }
  }).pipe(Effect.scoped, Effect.orDie, Effect.runPromise)
