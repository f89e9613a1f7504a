/**
 * The metrics of the node's chain, as docs/operating.md lists them: how it stands is read from the chain when somebody exports, what has
 * happened from its meter. No label has a text of a peer.
 */
import { Clock, Effect, Layer, Option } from "effect"
import { Chain } from "../services/chain/Chain.ts"
import type { ChainFigures } from "../services/chain/ChainFigures.ts"
import { ChainMeter, penalties, type Reading } from "../services/chain/ChainMeter.ts"
import * as Series from "./Series.ts"

interface Taken {
  readonly figures: ChainFigures
  readonly reading: Reading
}
type Source = () => Taken

const standings = ["ahead", "level", "behind", "silent"] as const
const results = ["taken", "unneeded", "wrong"] as const

const heights = ({ gauge }: Series.Series, taken: Source, now: () => number): void => {
  const figures = () => taken().figures
  gauge("holdfast_chain_best_header_height", "Height of the best header that is known", () => figures().bestHeight)
  const behind = "Blocks of the best chain that are not applied"
  gauge("holdfast_chain_behind_blocks", behind, () => figures().behind)
  const age = "How long ago the block was made that was applied last, as it says; NaN where that is unknown"
  gauge("holdfast_chain_tip_age_seconds", age, () => Math.max(0, now() - (figures().tipTime ?? Number.NaN)) / 1_000)
  const rate = "Blocks applied a second, over the last ten seconds"
  gauge("holdfast_chain_blocks_per_second", rate, () => figures().perSecond)
  const left = "How long the missing blocks take at that rate; 0 if none is missing, NaN while none comes"
  gauge("holdfast_chain_sync_left_seconds", left, () => {
    const { behind, perSecond } = figures()
    return behind === 0 ? 0 : perSecond > 0 ? behind / perSecond : Number.NaN
  })
  gauge("holdfast_chain_held_blocks", "Blocks that wait for those before them", () => figures().held)
  gauge("holdfast_chain_held_bytes", "Their bytes", () => figures().heldBytes)
  gauge("holdfast_chain_waiting_items", "Items that wait for a block of this node", () => figures().waiting)
  const stands = "1 while the chain stands before a block that the program refuses"
  gauge("holdfast_chain_refused", stands, () => (figures().isRefused ? 1 : 0))
}

const blocks = ({ counter, histogram }: Series.Series, taken: Source): void => {
  const reading = () => taken().reading
  const bodies = () => taken().figures.bodies
  counter("holdfast_chain_blocks_joined_total", "Blocks that became part of the chain", () => reading().joined)
  counter("holdfast_chain_blocks_left_total", "Blocks that have left it for other ones", () => reading().left)
  counter("holdfast_chain_blocks_produced_total", "Blocks that this node has made", () => reading().produced)
  for (const result of results) {
    const about = "Bodies of blocks that came: taken, not needed, or not that of the block"
    counter("holdfast_chain_received_bodies_total", about, () => bodies()[result], { result })
  }
  const bytes = "Bytes of the bodies that were taken"
  counter("holdfast_chain_received_bytes_total", bytes, () => bodies().bytes)
  const reorganised = "Blocks that each reorganisation has taken away"
  histogram("holdfast_chain_reorganisation_depth_blocks", reorganised, () => reading().depths)
  const stalls = "Times that the next block has not come for long"
  counter("holdfast_chain_stalls_total", stalls, () => reading().stalls)
  const refusals = "Times that the program has refused the next block"
  counter("holdfast_chain_refusals_total", refusals, () => reading().refusals)
  const aside = "Branches that were set aside because nobody gave a block of theirs"
  counter("holdfast_chain_set_aside_total", aside, () => reading().setAside)
}

const peers = ({ counter, gauge }: Series.Series, taken: Source): void => {
  const reading = () => taken().reading
  for (const standing of standings) {
    const about = "Peers with this chain, by where they say they are; silent: they have not answered yet"
    gauge("holdfast_chain_peers", about, () => taken().figures.peers[standing], { standing })
  }
  const slow = "Times that a peer was found slow with blocks, and left for others"
  counter("holdfast_chain_slow_peers_total", slow, () => reading().slow)
  const unanswered = "Questions for headers that a peer has not answered"
  counter("holdfast_chain_headers_unanswered_total", unanswered, () => reading().unanswered)
  for (const reason of penalties) {
    const about = "Sessions that were ended for what the peer has given or said of the chain"
    counter("holdfast_chain_penalties_total", about, () => reading().penalties.get(reason) ?? 0, { reason })
  }
}

/** Registers the metrics of the chain in the metric registry of the context, until the scope closes. */
const make = Effect.fnUntraced(function* (chain: Chain["Service"]) {
  const meter = yield* ChainMeter
  const clock = yield* Clock.Clock
  const series = Series.make(yield* Effect.context<never>())
  const take = (): Taken => ({ figures: chain.figures(), reading: meter.reading() })
  let taken = take()
  // Registered first, so that it is read first: one reading serves a whole export.
  series.gauge("holdfast_chain_height", "Height of the block that was applied last", () => {
    taken = take()
    return taken.figures.height
  })
  const source: Source = () => taken
  heights(series, source, () => clock.currentTimeMillisUnsafe())
  blocks(series, source)
  peers(series, source)
  yield* Effect.addFinalizer(() => Effect.sync(series.remove))
})

/** The metrics of a chain. */
export const layer: Layer.Layer<never, never, Chain> = Layer.effectDiscard(Effect.flatMap(Chain, make))

/** The same where a chain is kept, and nothing where none is. */
export const layerIfKept: Layer.Layer<never> = Layer.effectDiscard(
  Effect.flatMap(Effect.serviceOption(Chain), Option.match({ onNone: () => Effect.void, onSome: make }))
)
