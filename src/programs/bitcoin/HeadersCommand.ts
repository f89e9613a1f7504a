/**
 * `holdfast bitcoin headers`: fetches the headers of a network's best chain and says what its tip is.
 */
import { Console, Effect, Queue } from "effect"
import { Command, Flag } from "effect/cli"
import { Manager } from "../../services/bitcoin/Manager.ts"
import type { PeerEvent } from "../../services/bitcoin/PeerEvent.ts"
import { json, print, Root } from "../cli/Root.ts"
import { untilSignal } from "../Main.ts"
import { type Whom, whom } from "./BitcoinFlags.ts"
import { untilCaughtUp } from "./CatchUp.ts"
import * as HeaderReport from "./HeaderReport.ts"
import * as Flags from "../cli/ValueFlags.ts"
import * as Reach from "./Reach.ts"
import { folder, withManager } from "./Running.ts"
import * as StoredHeaders from "./StoredHeaders.ts"

/** New tips that wait to be printed; of more the oldest are left out. */
const mostWaiting = 1_000
/** How long a dial may take, in milliseconds. */
const dialTimeout = 10_000

interface Given extends Whom {
  readonly follow: boolean
  readonly timeout: number
  readonly from: number | undefined
  readonly count: number | undefined
}

const stored = Effect.fnUntraced(function* (given: Given, from: number) {
  const at = yield* folder
  if (at === undefined) return yield* new StoredHeaders.StoredOnly({ problem: "say where with --data <folder>" })
  if (given.follow || given.connect.length > 0) {
    return yield* new StoredHeaders.StoredOnly({ problem: "leave out --connect and --follow" })
  }
  yield* StoredHeaders.show({ network: given.network, folder: at, from, count: given.count ?? 10 })
})

const catchUp = Effect.fnUntraced(function* (given: Given, reach: () => Reach.Reach) {
  const { headers } = yield* Manager
  if (headers === undefined) return yield* Effect.die(new Error("a manager that keeps no headers"))
  const height = () => headers.best().height
  yield* untilCaughtUp(given, reach, { noun: "headers", height, isBusy: headers.isAsking })
  return headers
})

const sync = Effect.fnUntraced(function* (given: Given) {
  const { follow, network } = given
  let reach = Reach.initial
  let isFollowing = false
  const tips = yield* Queue.sliding<HeaderReport.Tip>(mostWaiting)
  const onEvent = (event: PeerEvent): void => {
    reach = Reach.note(reach, event)
    if (!isFollowing || event._tag !== "Tip") return
    const { height, id, time } = event
    Queue.offerUnsafe(tips, { _tag: "Tip", network: network.name, height, id, time })
  }
  const program = Effect.gen(function* () {
    const root = yield* Root
    const headers = yield* catchUp(given, () => reach)
    isFollowing = follow
    yield* print(HeaderReport.tip(network.name, headers.best()), HeaderReport.tipText)
    if (!follow) return
    const next = Effect.flatMap(Queue.take(tips), (tip) => Console.log(root.json ? json(tip) : HeaderReport.line(tip)))
    return yield* untilSignal(Effect.forever(next))
  })
  return yield* withManager({ whom: given, dialTimeout, onEvent }, program)
})

export const HeadersCommand = Command.make(
  "headers",
  {
    ...whom,
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withoutNegation,
      Flag.withDescription("Go on, and print each new tip until it is told to stop"),
      Flag.withDefault(false)
    ),
    timeout: Flags.timeout("Give up when nothing new has come for so long (default 2m)", 120_000),
    from: Flags.optionally(
      Flags.count("from", "Print headers that --data has from this height on, and connect to nobody", 0, 100_000_000)
    ),
    count: Flags.optionally(Flags.count("count", "How many of them (default 10)", 1, 100_000_000))
  },
  Effect.fnUntraced(function* (given) {
    if (given.from === undefined) return yield* sync(given)
    yield* stored(given, given.from)
  })
).pipe(
  Command.withDescription(
    "Fetch the headers of a Bitcoin network's best chain, each checked, until no peer has more; then print the tip.\n\n" +
      "  With --data <folder> they are kept, and the next run goes on where this one has ended."
  ),
  Command.withShortDescription("Fetch the headers of the best chain, and print its tip"),
  Command.withExamples([
    { command: "holdfast bitcoin headers --data ./bitcoin" },
    {
      command: "holdfast bitcoin headers --data ./bitcoin --follow --json",
      description: "Each new tip as one JSON object a line"
    },
    {
      command: "holdfast bitcoin headers --data ./bitcoin --from 0 --count 10",
      description: "The first ten that are stored"
    }
  ])
)
