/**
 * How often a node may ask for one body: of two peers, unless one of them has left, says that it does not have it, or has kept silent for
 * long. Plain and mutable; times are milliseconds.
 */

/** Nobody is waited for longer than that without another one being asked; a little less, since clocks drift. */
const longSilence = 25_000
const mostAsks = 2

interface Ask<Peer> {
  readonly peer: Peer
  readonly request: number
  readonly at: number
}

export class FetchRule<Peer> {
  readonly #asks = new Map<string, Array<Ask<Peer>>>()
  /** What is not answered of a request. */
  readonly #requests = new Map<Peer, Map<number, ReadonlyArray<string>>>()

  /** The bodies of these ids are asked for; one that was asked for too often, if there is one. */
  asked(peer: Peer, request: number, ids: ReadonlyArray<string>, at: number): string | undefined {
    const requests = this.#requests.get(peer) ?? new Map<number, ReadonlyArray<string>>()
    this.#requests.set(peer, requests.set(request, ids))
    let tooOften: string | undefined
    for (const id of ids) {
      const asks = (this.#asks.get(id) ?? []).filter((ask) => at - ask.at < longSilence)
      asks.push({ peer, request, at })
      this.#asks.set(id, asks)
      if (asks.length > mostAsks) tooOften = id
    }
    return tooOften
  }

  /** So many bodies have come, and with `isLast` word that there are no more. */
  answered(peer: Peer, request: number, bodies: number, isLast: boolean): void {
    const requests = this.#requests.get(peer)
    const ids = requests?.get(request)
    if (requests === undefined || ids === undefined) return
    const rest = ids.slice(bodies)
    if (isLast) for (const id of rest) this.#forget(id, (ask) => ask.peer === peer && ask.request === request)
    if (isLast || rest.length === 0) requests.delete(request)
    else requests.set(request, rest)
  }

  left(peer: Peer): void {
    this.#requests.delete(peer)
    for (const id of this.#asks.keys()) this.#forget(id, (ask) => ask.peer === peer)
  }

  /** Another branch is the best one: what was here of the one before may have to come again. */
  forked(): void {
    this.#asks.clear()
  }

  #forget(id: string, isGone: (ask: Ask<Peer>) => boolean): void {
    const asks = (this.#asks.get(id) ?? []).filter((ask) => !isGone(ask))
    if (asks.length > 0) this.#asks.set(id, asks)
    else this.#asks.delete(id)
  }
}
