/**
 * Whether both ends of every session have heard of each other since the quiet end of a run began. That each of them says
 * it has a session is no proof that anything still crosses it.
 */
import type { Connection } from "../../services/link/Connection.ts"
import type { View } from "./Scenario.ts"
import { connected } from "./Sessions.ts"

export class SignsOfLife {
  readonly #view: View
  /** The connections under the sessions that there were, and the frames that had come in on them. */
  readonly #before = new Map<Connection, number>()

  /** From now on. */
  constructor(view: View) {
    this.#view = view
    for (const { registry } of view.nodes) {
      for (const { connection } of registry?.sessions() ?? []) this.#before.set(connection, connection.framesIn)
    }
  }

  /** Who has not heard of whom; a session that has begun since is a sign of life itself. */
  get missing(): { readonly property: string; readonly detail: string } | undefined {
    for (const node of this.#view.nodes) {
      for (const peer of this.#view.nodes) {
        const connection = node.registry?.session(peer.key)?.connection
        if (connection === undefined || connection.framesIn > (this.#before.get(connection) ?? 0)) continue
        const detail = `${node.name} has heard nothing of ${peer.name} on their session since all is quiet`
        return { property: connected, detail }
      }
    }
    return undefined
  }
}
