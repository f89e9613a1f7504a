/**
 * A peer: `@hyperswarm/secret-stream` over `node:net`, Noise XX and a sealed message per write.
 */
import { once } from "node:events"
import * as net from "node:net"
import type { Duplex } from "node:stream"
import * as Peers from "../Peers.ts"
import * as ByteLine from "./ByteLine.ts"
import type { Contender } from "./Line.ts"
import { listening } from "./NetLine.ts"

interface SecretStream {
  new (isInitiator: boolean, raw: net.Socket): Duplex
}

export const load = async (): Promise<Contender> => {
  const { default: Stream } = await Peers.load<{ readonly default: SecretStream }>("@hyperswarm/secret-stream")
  return {
    listen: (count) =>
      listening(
        net.createServer({ noDelay: true }, (socket) => ByteLine.answerDuplex(new Stream(false, socket), count))
      ),
    dialler:
      async () =>
      async ({ host, port }) => {
        const stream = new Stream(true, net.connect({ host, port, noDelay: true }))
        await once(stream, "connect")
        return ByteLine.ask(ByteLine.ofDuplex(stream))
      }
  }
}
