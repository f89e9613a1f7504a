/**
 * The transport of a simulated node, with somebody who listens in to what it reads: what a node knows of the end of a
 * connection is what its sockets have told it, and no more.
 */
import { Effect, Layer } from "effect"
import * as Socket from "effect/socket/Socket"
import { Endpoint } from "../../protocol/Address.ts"
import { Transport } from "../../services/link/Transport.ts"
import type { Direction } from "../../services/link/Wire.ts"
import type { SimulatedNetwork } from "../network/SimulatedNetwork.ts"
import type { Process } from "../world/Process.ts"
import { Line } from "./Line.ts"

/** Called at the moment it happens; must change nothing. */
export interface Listening {
  /** A node reads from a socket from now on. */
  readonly opened: (line: Line) => void
  /** It has been told that nothing more will come. */
  readonly over: (line: Line) => void
  readonly closed: (line: Line) => void
}

export const layer = (network: SimulatedNetwork, process: Process, listening: Listening): Layer.Layer<Transport> =>
  Layer.sync(Transport, () => {
    const { dial, listen } = network.transport(process)
    const on = (socket: Socket.Socket, direction: Direction, remote: Endpoint) =>
      listenedTo(socket, new Line(process.name, process.life, direction, remote.toString()), listening)
    return {
      dial: (endpoint) =>
        Effect.map(dial(endpoint), (socket) => ({
          ...on(socket, "outbound", endpoint),
          remoteHost: socket.remoteHost
        })),
      listen: (at) =>
        Effect.map(listen(at), (listener) => ({
          endpoint: listener.endpoint,
          run: (handler) =>
            listener.run(({ remote, socket }) =>
              handler({ remote, socket: on(socket, "inbound", new Endpoint(remote)) })
            )
        }))
    }
  })

const listenedTo = (socket: Socket.Socket, line: Line, listening: Listening): Socket.Socket =>
  Socket.make({
    writer: socket.writer,
    reader: Effect.gen(function* () {
      const { pull, upgrade } = yield* socket.reader
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          line.closed = true
          listening.closed(line)
        })
      )
      listening.opened(line)
      return {
        upgrade,
        pull: Effect.mapBoth(pull, {
          onSuccess: (chunks) => {
            for (const chunk of chunks) line.read(chunk)
            return chunks
          },
          onFailure: (error) => {
            line.over = true
            if (!line.closed) listening.over(line)
            return error
          }
        })
      }
    })
  })
