/**
 * The other node that an event is about, also where the event itself only has the number of a dial or of a connection,
 * or an endpoint whose host is named after the node.
 */
import type { TraceEvent } from "../world/Trace.ts"
import { fact, otherOf } from "./EventWords.ts"

const connectionOf = (event: TraceEvent): string => fact(event, "connection") || fact(event, "id")

export class Counterparts {
  readonly #nodes: ReadonlySet<string>
  readonly #dials = new Map<string, string>()
  readonly #connections = new Map<string, readonly [string, string]>()

  constructor(nodes: Iterable<string>) {
    this.#nodes = new Set(nodes)
  }

  /** Of every event, to be asked in order. */
  of(event: TraceEvent): string | undefined {
    const named = this.#named(otherOf(event))
    switch (event.kind) {
      case "dial":
        if (named !== undefined) this.#dials.set(`${event.node}/${fact(event, "dial")}`, named)
        return named
      case "dial-failed":
      case "connected":
        return this.#dialled(event, named)
      case "closed":
      case "reset":
        return named ?? this.#connections.get(connectionOf(event))?.find((end) => end !== event.node)
      default:
        return named
    }
  }

  #dialled(event: TraceEvent, named: string | undefined): string | undefined {
    const other = named ?? this.#dials.get(`${event.node}/${fact(event, "dial")}`)
    const connection = connectionOf(event)
    if (event.kind === "connected" && other !== undefined && connection !== "")
      this.#connections.set(connection, [event.node, other])
    return other
  }

  /** The node that a name or an endpoint means. */
  #named(words: string | undefined): string | undefined {
    if (words === undefined) return undefined
    return [words, words.split(/[.:]/)[0] ?? ""].find((name) => this.#nodes.has(name))
  }
}
