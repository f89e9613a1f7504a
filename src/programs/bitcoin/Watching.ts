/**
 * What a view of a manager shows, gathered from its events and its state.
 */
import type { Manager } from "../../services/bitcoin/Manager.ts"
import type { PeerEvent } from "../../services/bitcoin/PeerEvent.ts"
import * as EventLine from "./EventLine.ts"
import * as HeaderReport from "./HeaderReport.ts"
import * as PeerView from "./PeerView.ts"
import * as Progress from "./Progress.ts"
import { claimsOf } from "./Syncing.ts"
import { type Happening, type Model, mostEvents } from "./View.ts"

/** An event with its time, in milliseconds since 1970. */
export type Dated = PeerEvent & { readonly at: number }

/** As many new headers at once are news; more are fetched. */
const mostNews = 8

export class Watching {
  readonly #startedAt: number
  #events: ReadonlyArray<Happening> = []
  /** The last one is of headers that are fetched. */
  #isFetching = false
  #progress: Progress.Progress | undefined

  constructor(startedAt: number) {
    this.#startedAt = startedAt
  }

  get events(): ReadonlyArray<Happening> {
    return this.#events
  }

  note(event: Dated): void {
    const isFetching = event._tag === "Tip" && event.joined > mostNews
    // Page after page of them is one happening that goes on.
    const before = isFetching && this.#isFetching ? this.#events.slice(0, -1) : this.#events.slice(1 - mostEvents)
    this.#events = [...before, { at: event.at, text: EventLine.text(event) }]
    this.#isFetching = isFetching
  }

  /** As it is now. */
  model(manager: Manager["Service"], now: number): Model {
    const { network } = manager.config()
    const { headers } = manager
    const best = headers?.best() ?? { header: network.first, height: 0 }
    const { claims, peers } = claimsOf(manager)
    const before = this.#progress ?? Progress.start(now, best.height)
    this.#progress = Progress.look(before, now, best.height)
    return {
      network: network.name,
      startedAt: this.#startedAt,
      listening: manager.listening()?.toString(),
      peers: manager.connections().map(PeerView.of),
      tip: HeaderReport.tip(network.name, best),
      progress: Progress.state(this.#progress, claims, peers),
      isAsking: headers?.isAsking() === true,
      events: this.#events
    }
  }
}
