/**
 * Ports for servers that end and come back at the same port.
 *
 * A port that the system has picked may be picked again for somebody else while its server is away, and a program that
 * dials it meanwhile may even reach itself. These lie below the ones that the system picks, and no two callers in one
 * process get the same.
 */
import * as net from "node:net"

const first = 20_000
const count = 12_000

const given = new Set<number>()

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const listener = net.createServer()
    listener.once("error", () => resolve(false))
    listener.listen(port, "127.0.0.1", () => listener.close(() => resolve(true)))
  })

/** A port of 127.0.0.1 that nobody listens at. */
export const freePort = async (): Promise<number> => {
  while (true) {
    const port = first + Math.floor(Math.random() * count)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
}
