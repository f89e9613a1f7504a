/**
 * What happens between a node and its Bitcoin peers, in a sentence for people. Pure.
 */
import type { PeerEvent } from "../../services/bitcoin/PeerEvent.ts"
import { lasting, printable } from "../cli/Table.ts"

const because = (detail: string | undefined): string => (detail === undefined ? "" : `: ${detail}`)

const changed = ({ detail, from, kind, remote, to }: Extract<PeerEvent, { readonly _tag: "Changed" }>): string => {
  switch (to) {
    case "Connecting":
      return `${remote} is dialled`
    case "AwaitingHandshake":
      return kind === "Outbound" ? `${remote} has answered, the handshake begins` : `${remote} has come in`
    case "Connected":
      return `${remote} is connected`
    case "Rejected":
      return `${remote} is turned away${because(detail)}`
    case "Failed":
      return `${remote} ${from === "Connected" ? "is lost" : "cannot be reached"}${because(detail)}`
    case "Disconnected":
      return `${remote} is disconnected${because(detail)}`
  }
}

const discovered = ({ failed, fresh }: Extract<PeerEvent, { readonly _tag: "Discovered" }>): string =>
  `the seeds have told of ${fresh} new nodes${failed.length === 0 ? "" : `; no addresses of ${failed.join(", ")}`}`

const sentence = (event: PeerEvent): string => {
  switch (event._tag) {
    case "Changed":
      return changed(event)
    case "Restarting":
      return `${event.remote} is dialled again ${event.waitMillis === 0 ? "now" : `in ${lasting(event.waitMillis)}`}`
    case "Inaccessible":
      return `${event.remote} is left alone: ${event.reason}`
    case "Misbehaved":
      return `${event.remote} misbehaves, ${event.points} points: ${event.detail}`
    case "Banned":
      return `${event.remote} is banned: ${event.reason}`
    case "NotTaken":
      return `${event.remote} is not let in: ${event.reason}`
    case "Rejected":
      return `${event.remote} has refused ${event.command} (0x${event.code.toString(16)}): ${event.reason}`
    case "Listening":
      return `listening at ${event.endpoint}`
    case "ListenFailed":
      return `cannot listen at ${event.endpoint}: ${event.reason}`
    case "Tip": {
      const left = event.left === 0 ? "" : `, ${event.left} left for a better branch`
      return `new tip ${event.height}, ${event.joined} more${left}: ${event.id}`
    }
    case "NoHeaders":
      return `${event.remote} gives no headers, another one is asked`
    case "Discovered":
      return discovered(event)
  }
}

/** One line, which nothing that a peer says can break. */
export const text = (event: PeerEvent): string => printable(sentence(event))
