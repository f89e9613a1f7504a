/**
 * Prints headers that a data folder has, without any connection.
 */
import { Console, Effect, Schema } from "effect"
import * as ChainRules from "../../protocol/bitcoin/ChainRules.ts"
import type { Network } from "../../protocol/bitcoin/Network.ts"
import { HeaderStore } from "../../services/chain/HeaderStore.ts"
import { read } from "../../services/chain/HeaderTurn.ts"
import { json, Root } from "../cli/Root.ts"
import * as HeaderReport from "./HeaderReport.ts"

/** There is none at this height. */
export class HeaderUnknown extends Schema.TaggedError<HeaderUnknown>()("BitcoinHeaderUnknown", {
  network: Schema.String,
  height: Schema.Int,
  folder: Schema.String
}) {
  get fix(): string {
    return `Fetch more with: holdfast bitcoin headers --network ${this.network} --data ${this.folder}`
  }
  override get message(): string {
    return `no header of ${this.network} at height ${this.height} is stored in ${this.folder}`
  }
}

/** `--from` without a folder, or with what it does not go with. */
export class StoredOnly extends Schema.TaggedError<StoredOnly>()("BitcoinStoredOnly", { problem: Schema.String }) {
  override get message(): string {
    return `--from prints headers that are stored: ${this.problem}`
  }
}

/** Headers of one query. */
const page = 2_000

export interface Wanted {
  readonly network: Network
  readonly folder: string
  /** The first height. */
  readonly from: number
  /** At most so many. */
  readonly count: number
}

export const show = Effect.fnUntraced(function* ({ count, folder, from, network }: Wanted) {
  const root = yield* Root
  const session = yield* Effect.promise(() => import("./Session.ts"))
  const print = Effect.gen(function* () {
    const store = yield* HeaderStore
    const rules = ChainRules.of(network)
    const end = from + count
    for (let height = from; height < end;) {
      const headers = yield* store.above(network.name, height - 1, Math.min(page, end - height))
      if (headers.length === 0 && height === from) {
        return yield* new HeaderUnknown({ network: network.name, height, folder })
      }
      const lines = headers.map((header) => HeaderReport.header(header.height, read(rules, header)))
      if (lines.length > 0) yield* Console.log(lines.map(root.json ? json : HeaderReport.line).join("\n"))
      if (headers.length < page) return
      height += headers.length
    }
  })
  yield* Effect.provide(print, session.stores(folder))
})
