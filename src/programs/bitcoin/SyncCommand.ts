/**
 * `holdfast bitcoin sync`: fetches the blocks of a network's best chain, keeps them, and gives them to others if it is told to.
 */
import { Console, Effect, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { Manager } from "../../services/bitcoin/Manager.ts"
import { json, print, Root } from "../cli/Root.ts"
import { untilSignal } from "../Main.ts"
import { type Whom, whom } from "./BitcoinFlags.ts"
import * as Flags from "../cli/ValueFlags.ts"
import { untilCaughtUp } from "./CatchUp.ts"
import * as HeaderReport from "./HeaderReport.ts"
import * as Reach from "./Reach.ts"
import { withManager } from "./Running.ts"

/** How long a dial may take, in milliseconds. */
const dialTimeout = 10_000

interface Given extends Whom {
  readonly follow: boolean
  readonly listen: Whom["connect"][number] | undefined
  readonly metrics: Whom["connect"][number] | undefined
  readonly timeout: number
}

/** What the manager was made with. */
const parts = Effect.gen(function* () {
  const { blocks, headers } = yield* Manager
  if (blocks === undefined || headers === undefined) return yield* Effect.die(new Error("a manager without blocks"))
  return { blocks, headers }
})

/** The tip of the blocks that are here. */
const tip = Effect.fnUntraced(function* (network: string) {
  const { blocks, headers } = yield* parts
  const { height } = blocks.applied()
  const header = yield* headers.at(height)
  return HeaderReport.tip(network, header === undefined ? headers.best() : { header, height })
})

/** Prints each new tip, for ever. */
const following = Effect.fnUntraced(function* (network: string) {
  const { blocks } = yield* parts
  const { json: isJson } = yield* Root
  const tips = Stream.filter(blocks.events, ({ _tag }) => _tag === "Tip")
  return yield* Stream.runForEach(tips, () =>
    Effect.flatMap(tip(network), (now) => Console.log(isJson ? json(now) : HeaderReport.line(now)))
  )
})

const sync = Effect.fnUntraced(function* (given: Given) {
  const { follow, listen, metrics, network } = given
  let reach = Reach.initial
  const program = Effect.gen(function* () {
    const { blocks, headers } = yield* parts
    const height = () => blocks.applied().height
    const isBusy = () => headers.isAsking() || blocks.isBehind()
    yield* untilCaughtUp(given, () => reach, { noun: "blocks", height, isBusy })
    yield* print(yield* tip(network.name), HeaderReport.tipText)
    if (follow) yield* untilSignal(following(network.name))
  })
  const changes = { sync: { store: true }, listen }
  const onEvent = (event: Parameters<typeof Reach.note>[1]): void => {
    reach = Reach.note(reach, event)
  }
  return yield* withManager({ whom: given, changes, dialTimeout, metrics, onEvent }, program)
})

export const SyncCommand = Command.make(
  "sync",
  {
    ...whom,
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withoutNegation,
      Flag.withDescription("Go on, and print each new tip until it is told to stop"),
      Flag.withDefault(false)
    ),
    listen: Flags.listen("Let other nodes in here, and give them headers and blocks"),
    metrics: Flags.metrics,
    timeout: Flags.timeout("Give up when nothing new has come for so long (default 2m)", 120_000)
  },
  Effect.fnUntraced(function* (given) {
    yield* sync(given)
  })
).pipe(
  Command.withDescription(
    "Fetch the blocks of a Bitcoin network's best chain from several nodes at once, until nobody has more; then print the tip.\n\n" +
      "  Each block has the transactions that its header commits to; whether they may be spent so is not checked. With --data <folder>\n" +
      "  they are kept, and the next run goes on where this one has ended, however that was. They take as much room as they have bytes."
  ),
  Command.withShortDescription("Fetch the blocks of the best chain, and keep them"),
  Command.withExamples([
    { command: "holdfast bitcoin sync --network bsv-regtest --connect 127.0.0.1:18444 --data ./bitcoin" },
    {
      command: "holdfast bitcoin sync --data ./bitcoin --follow --listen 0.0.0.0:8333 --json",
      description: "Go on, each new tip as one JSON object a line, and give the blocks to others"
    }
  ])
)
