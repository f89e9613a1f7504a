/**
 * Addresses that were dialled and led back to this very process, so that they are not dialled again. Comparing IP
 * addresses cannot find them; the instance in HELLO does, and REJECT(self) says so (docs/PROTOCOL.md, 4).
 *
 * Kept while the process runs, at most `limit`; beyond that the oldest is forgotten, and costs one dial more.
 */
import type { Endpoint } from "../../protocol/Address.ts"
import { ipOf } from "../../protocol/HostNetwork.ts"

type Place = Pick<Endpoint, "host" | "port">

export class OwnAddresses {
  readonly #limit: number
  readonly #known = new Set<string>()

  constructor(limit = 64) {
    this.#limit = limit
  }

  /** A dial of this address ended with REJECT(self), whichever end said it. */
  note(place: Place): void {
    const text = textOf(place)
    this.#known.delete(text)
    this.#known.add(text)
    if (this.#known.size <= this.#limit) return
    for (const oldest of this.#known) {
      this.#known.delete(oldest)
      return
    }
  }

  /** Whether dialling this address is known to lead back here. */
  has(place: Place): boolean {
    return this.#known.has(textOf(place))
  }
}

const textOf = ({ host, port }: Place): string => `${ipOf(host)} ${port}`
