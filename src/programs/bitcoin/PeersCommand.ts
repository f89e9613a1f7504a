/**
 * `holdfast bitcoin peers`: connects to nodes for a while, and shows them; and whom the data folder knows.
 */
import { Clock, Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { Manager } from "../../services/bitcoin/Manager.ts"
import type { PeerEvent } from "../../services/bitcoin/PeerEvent.ts"
import { PeerStore } from "../../services/bitcoin/PeerStore.ts"
import { path } from "../cli/Given.ts"
import { json, Root } from "../cli/Root.ts"
import { table } from "../cli/Table.ts"
import { type Whom, whom } from "./BitcoinFlags.ts"
import * as Importing from "./Importing.ts"
import * as Known from "./Known.ts"
import * as PeerView from "./PeerView.ts"
import { ProgressLine } from "../cli/ProgressLine.ts"
import * as Flags from "../cli/ValueFlags.ts"
import * as Reach from "./Reach.ts"
import { folder, withManager } from "./Running.ts"
import { nobodyFound, unreached } from "./Unreached.ts"

/** How often it looks, in milliseconds. */
const every = 50

interface Given extends Whom {
  readonly target: number | undefined
  readonly timeout: number
  readonly limit: number
  readonly import: string | undefined
}

/** Whether it is worth waiting for more: connections, or the first round trips of those that there are. */
const isComplete = (
  views: ReadonlyArray<PeerView.PeerView>,
  wanted: number,
  given: Given,
  reach: Reach.Reach
): boolean => {
  const connected = views.filter(({ state }) => state === "Connected")
  if (connected.some(({ rttMillis }) => rttMillis === undefined)) return false
  if (connected.length >= wanted) return true
  const remotes = new Set(connected.map(({ remote }) => remote))
  const isTried = (remote: string) => remotes.has(remote) || reach.failures.has(remote)
  const named = given.connect.map(String)
  return named.length > 0 ? named.every(isTried) : Reach.isHopeless(reach, named, views.length)
}

/** The connections after a while, those that are past the handshake first. */
const gather = Effect.fnUntraced(function* (given: Given, reach: () => Reach.Reach) {
  const manager = yield* Manager
  const root = yield* Root
  const named = given.connect.length
  const wanted = named > 0 ? Math.min(named, given.target ?? named) : manager.config().pool.target
  const text = (connected: number) =>
    root.json ? json({ _tag: "Progress", connected, wanted }) : `${connected} of ${wanted} connected`
  const line = new ProgressLine<number>(process.stderr, text)
  const began = yield* Clock.currentTimeMillis
  const look = Effect.gen(function* () {
    while (true) {
      const now = yield* Clock.currentTimeMillis
      const views = manager.connections().map(PeerView.of)
      line.show(views.filter(({ state }) => state === "Connected").length, now)
      if (isComplete(views, wanted, given, reach()) || now - began >= given.timeout) return views
      yield* Effect.sleep(every)
    }
  })
  const views = yield* Effect.ensuring(
    look,
    Effect.sync(() => line.remove())
  )
  return views.toSorted((a, b) => Number(b.state === "Connected") - Number(a.state === "Connected"))
})

const known = Effect.fnUntraced(function* ({ limit, network }: Given) {
  const store = yield* PeerStore
  return { counts: yield* store.count(network.name), peers: yield* store.list(network.name, { limit }) }
})

/** Attempts that led to nothing and are shown. */
const mostFailures = 20

interface Found {
  readonly views: ReadonlyArray<PeerView.PeerView>
  readonly failures: ReadonlyArray<Reach.Failure>
  readonly kept: Known.Known | undefined
}

const print = Effect.fnUntraced(function* ({ failures, kept, views }: Found) {
  const root = yield* Root
  if (root.json) {
    for (const view of views) yield* Console.log(json({ _tag: "Connection", ...view }))
    for (const failure of failures) yield* Console.log(json({ _tag: "Failure", ...failure }))
    for (const line of kept === undefined ? [] : Known.lines(kept)) yield* Console.log(json(line))
    return
  }
  if (views.length > 0) yield* Console.log(table(PeerView.headings, views.map(PeerView.cells)))
  if (failures.length > 0) yield* Console.log(failures.map(Reach.text).join("\n"))
  if (kept !== undefined) yield* Console.log(`${views.length > 0 ? "\n" : ""}${Known.text(kept)}`)
})

/** Takes a file over, and shows whom the folder knows then. */
const importing = Effect.fnUntraced(function* (given: Given, path: string) {
  const root = yield* Root
  const at = yield* folder
  if (at === undefined) return yield* new Importing.ImportOnly({ problem: "say where to with --data <folder>" })
  if (given.connect.length > 0) return yield* new Importing.ImportOnly({ problem: "leave out --connect" })
  const session = yield* Effect.promise(() => import("./Session.ts"))
  const program = Effect.gen(function* () {
    const imported = yield* Importing.run(given.network, path)
    yield* Console.log(root.json ? json({ _tag: "Imported", ...imported }) : Importing.text(imported))
    yield* print({ views: [], failures: [], kept: yield* known(given) })
  })
  yield* Effect.provide(program, session.stores(at))
})

const peers = Effect.fnUntraced(function* (given: Given) {
  let reach = Reach.initial
  const onEvent = (event: PeerEvent): void => {
    reach = Reach.note(reach, event)
  }
  const program = Effect.gen(function* () {
    const views = yield* gather(given, () => reach)
    const isReached = views.some(({ state }) => state === "Connected")
    const failures = isReached ? [...reach.failures.values()].slice(0, mostFailures) : []
    yield* print({ views, failures, kept: (yield* folder) === undefined ? undefined : yield* known(given) })
    if (isReached) return
    return yield* unreached(reach.failures.values(), nobodyFound(given.network.name, reach))
  })
  const changes = { headers: false, target: given.target }
  return yield* withManager({ whom: given, changes, dialTimeout: given.timeout, onEvent }, program)
})

export const PeersCommand = Command.make(
  "peers",
  {
    ...whom,
    target: Flags.optionally(
      Flags.count("target", "How many connections are enough (default 8, or all that are named)", 1, 100)
    ),
    timeout: Flags.timeout("Show what there is after so long (default 15s)", 15_000),
    limit: Flag.withDefault(Flags.count("limit", "How many known nodes to show (default 20)", 1, 10_000), 20),
    import: Flags.optionally(
      Flag.String("import").pipe(
        Flag.withMetavar("<file>"),
        Flag.withDescription("Take a peer file of the Rust crate bitcoinsv over into --data, and connect to nobody"),
        Flag.withSchema(path("a file"))
      )
    )
  },
  Effect.fnUntraced(function* (given) {
    if (given.import === undefined) return yield* peers(given)
    yield* importing(given, given.import)
  })
).pipe(
  Command.withDescription(
    "Connect to Bitcoin nodes for a while, and show the connections: what each node says of itself, its round trip, bytes.\n\n" +
      "  With --data <folder> the nodes that are known there are shown as well, those first whose status is newest."
  ),
  Command.withShortDescription("Connect to nodes for a while, and show them"),
  Command.withExamples([
    { command: "holdfast bitcoin peers" },
    { command: "holdfast bitcoin peers --data ./bitcoin --target 4 --timeout 30s" },
    {
      command: "holdfast bitcoin peers --data ./bitcoin --import peers.json",
      description: "Take over whom another node knows"
    },
    { command: "holdfast bitcoin peers --network bsv-regtest --connect 127.0.0.1:18444 --json" }
  ])
)
