/**
 * The first yardstick: `node:net` alone, neither authenticated nor encrypted.
 */
import { once } from "node:events"
import * as net from "node:net"
import * as ByteLine from "./ByteLine.ts"
import type { Address, Contender } from "./Line.ts"

export const listening = async (server: net.Server): Promise<Address> => {
  server.listen(0, "127.0.0.1", 4_096)
  await once(server, "listening")
  const bound = server.address()
  if (bound === null || typeof bound === "string") throw new Error("the server has no port")
  return { host: "127.0.0.1", port: bound.port, key: "" }
}

export const contender: Contender = {
  listen: (count) => listening(net.createServer({ noDelay: true }, (socket) => ByteLine.answerDuplex(socket, count))),
  dialler:
    async () =>
    async ({ host, port }) => {
      const socket = net.connect({ host, port, noDelay: true })
      await once(socket, "connect")
      return ByteLine.ask(ByteLine.ofDuplex(socket))
    }
}
