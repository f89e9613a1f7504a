/**
 * `holdfast bitcoin watch`: a view of a manager while it works, on a terminal; elsewhere what happens, line by line.
 */
import { Clock, Console, Effect, Queue } from "effect"
import { Command } from "effect/cli"
import { Manager } from "../../services/bitcoin/Manager.ts"
import type { PeerEvent } from "../../services/bitcoin/PeerEvent.ts"
import { json, Root } from "../cli/Root.ts"
import { moment } from "../cli/Table.ts"
import * as Flags from "../cli/ValueFlags.ts"
import { untilSignal } from "../Main.ts"
import { type Whom, whom } from "./BitcoinFlags.ts"
import * as EventLine from "./EventLine.ts"
import { FullScreen } from "./FullScreen.ts"
import * as Keys from "./Keys.ts"
import { withManager } from "./Running.ts"
import * as View from "./View.ts"
import { type Dated, Watching } from "./Watching.ts"

/** Between two pages, in milliseconds. */
const every = 250
/** Events that wait to be printed; of more the oldest are left out. */
const mostWaiting = 1_000
/** How long a dial may take, in milliseconds. */
const dialTimeout = 10_000

/** Draws page after page until a key ends it. */
const view = Effect.fnUntraced(function* (events: Queue.Queue<Dated>) {
  const manager = yield* Manager
  const clock = yield* Clock.Clock
  const watching = new Watching(clock.currentTimeMillisUnsafe())
  const screen = new FullScreen(process.stdout)
  const draw = Effect.gen(function* () {
    for (const event of yield* Queue.clear(events)) watching.note(event)
    const now = clock.currentTimeMillisUnsafe()
    screen.draw(View.page(watching.model(manager, now), now, screen.size))
    yield* Effect.sleep(every)
  })
  const close = () => screen.close()
  // Also when the process ends in the midst of it.
  process.once("exit", close)
  yield* Effect.raceFirst(Keys.untilEnd(process.stdin), Effect.forever(draw)).pipe(Effect.ensuring(Effect.sync(close)))
})

/** Prints what happens, for ever. */
const print = (events: Queue.Queue<Dated>, isJson: boolean): Effect.Effect<never> =>
  Effect.flatMap(Queue.take(events), (event) =>
    Console.log(isJson ? json(event) : `${moment(event.at, event.at)}  ${EventLine.text(event)}`)
  ).pipe(Effect.forever)

interface Given extends Whom {
  readonly target: number | undefined
  readonly listen: Whom["connect"][number] | undefined
  readonly metrics: Whom["connect"][number] | undefined
  readonly timeout: number | undefined
}

const watch = Effect.fnUntraced(function* (given: Given) {
  const { listen, metrics, target, timeout } = given
  const root = yield* Root
  const clock = yield* Clock.Clock
  const events = yield* Queue.sliding<Dated>(mostWaiting)
  const onEvent = (event: PeerEvent): void => {
    Queue.offerUnsafe(events, { at: clock.currentTimeMillisUnsafe(), ...event })
  }
  const isPage = process.stdout.isTTY === true && !root.json
  const shown = Effect.gen(function* () {
    return yield* isPage ? view(events) : print(events, root.json)
  })
  const changes = { target, listen }
  return yield* withManager(
    { whom: given, changes, dialTimeout, metrics, onEvent },
    timeout === undefined ? shown : Effect.timeoutOption(shown, timeout)
  )
}, untilSignal)

export const WatchCommand = Command.make(
  "watch",
  {
    ...whom,
    target: Flags.optionally(Flags.count("target", "How many connections there shall be (default 8)", 1, 100)),
    listen: Flags.listen("Let other nodes in here, and give them headers"),
    metrics: Flags.metrics,
    timeout: Flags.optionally(Flags.duration("timeout", "End after so long (default: when it is told to stop)"))
  },
  Effect.fnUntraced(function* (given) {
    yield* watch(given)
  })
).pipe(
  Command.withDescription(
    "Watch a Bitcoin network: peers, round trips, headers as they come, what happens.\n\n" +
      "  On a terminal it is one page that is drawn again and again, until q or Ctrl-C; elsewhere, and with --json, each event is a\n" +
      "  line. It keeps as many connections as it shall until then, and dials again whoever is lost."
  ),
  Command.withShortDescription("Watch peers, headers and what happens, live"),
  Command.withExamples([
    { command: "holdfast bitcoin watch --data ./bitcoin" },
    {
      command: "holdfast bitcoin watch --network bsv-test --json",
      description: "Each event as one JSON object a line"
    },
    { command: "holdfast bitcoin watch --network bsv-regtest --listen 127.0.0.1:18444" }
  ])
)
