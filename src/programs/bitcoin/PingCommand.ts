/**
 * `holdfast bitcoin ping`: whether nodes answer, how fast, and what they say of themselves.
 */
import { Console, Deferred, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as AgentPolicy from "../../protocol/bitcoin/AgentPolicy.ts"
import { Manager } from "../../services/bitcoin/Manager.ts"
import type { PeerEvent } from "../../services/bitcoin/PeerEvent.ts"
import { json, Root } from "../cli/Root.ts"
import * as Flags from "../cli/ValueFlags.ts"
import { type Whom, whom } from "./BitcoinFlags.ts"
import * as PeerView from "./PeerView.ts"
import * as Pinging from "./Pinging.ts"
import * as PingReport from "./PingReport.ts"
import * as Reach from "./Reach.ts"
import { withManager } from "./Running.ts"
import { NoAnswer, nobodyFound, unreached } from "./Unreached.ts"

/** The end of an attempt: the number of a connection, or why there is none. */
type Outcome = number | Reach.Failure

const outcomeOf = (event: PeerEvent): Outcome | undefined =>
  event._tag === "Changed" && event.kind === "Outbound" && event.to === "Connected" ? event.id : Reach.failureOf(event)

/** Waits for the first outcome of each node that is named; of others only for a connection. */
class Outcomes {
  reach = Reach.initial
  readonly #named: ReadonlyMap<string, Deferred.Deferred<Outcome>>
  readonly #any = Deferred.makeUnsafe<Outcome>()

  constructor(remotes: ReadonlyArray<string>) {
    this.#named = new Map(remotes.map((remote) => [remote, Deferred.makeUnsafe<Outcome>()]))
  }

  readonly note = (event: PeerEvent): void => {
    this.reach = Reach.note(this.reach, event)
    const outcome = outcomeOf(event)
    if (outcome === undefined || event._tag !== "Changed") return
    const waiting = this.#named.get(event.remote) ?? (typeof outcome === "number" ? this.#any : undefined)
    if (waiting !== undefined) Deferred.doneUnsafe(waiting, Effect.succeed(outcome))
  }

  /** What each wait is for, to its end; one wait where nobody is named. */
  get waits(): ReadonlyArray<Effect.Effect<Outcome>> {
    return (this.#named.size === 0 ? [this.#any] : [...this.#named.values()]).map((waiting) => Deferred.await(waiting))
  }
}

interface Given extends Whom {
  readonly count: number
  readonly interval: number
  readonly timeout: number
}

const ping = Effect.fnUntraced(function* (given: Given) {
  const { connect, count, interval, network, timeout } = given
  const root = yield* Root
  const outcomes = new Outcomes(connect.map(String))
  const failures: Array<Reach.Failure> = []
  const tell = (line: PingReport.Line) => Console.log(root.json ? json(line) : PingReport.text(line))

  const one = Effect.fnUntraced(function* (found: Outcome) {
    const manager = yield* Manager
    if (typeof found !== "number") return void failures.push(found)
    const entry = manager.connections().find(({ id }) => id === found)
    if (entry?.peer === undefined)
      return void failures.push({ remote: "the node", detail: "it has hung up", isRefusal: false })
    const { agent = "", height = -1, remote, services = "0x0", version = 0 } = PeerView.of(entry)
    yield* tell({ _tag: "Peer", remote, agent, version, services, height })
    const answered = yield* Pinging.run(entry.peer, { count, interval, timeout, tell })
    if (answered === 0) failures.push({ remote, detail: "it answers no ping", isRefusal: false })
  })

  const patient = (outcome: Effect.Effect<Outcome>) =>
    outcome.pipe(
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () =>
          Effect.fail(new NoAnswer({ problem: `${nobodyFound(network.name, outcomes.reach)} within ${timeout} ms` }))
      })
    )

  return yield* withManager(
    {
      whom: given,
      changes: { headers: false, handshakeTimeout: timeout, agents: AgentPolicy.everybody, target: 1 },
      dialTimeout: timeout,
      onEvent: outcomes.note
    },
    Effect.gen(function* () {
      const all = connect.length === 0 ? outcomes.waits.map(patient) : outcomes.waits
      yield* Effect.forEach(all, (outcome) => Effect.flatMap(outcome, one), {
        concurrency: "unbounded",
        discard: true
      })
      if (failures.length > 0) return yield* unreached(failures, nobodyFound(network.name, outcomes.reach))
    })
  )
})

export const PingCommand = Command.make(
  "ping",
  {
    ...whom,
    count: Flag.withDefault(Flags.count("count", "How many pings (default 5)", 1, 100_000), 5),
    interval: Flag.withDefault(Flags.duration("interval", "From one answer to the next ping (default 1s)", 1), 1_000),
    timeout: Flags.timeout("How long a connection with its handshake may take, and each answer (default 10s)", 10_000)
  },
  (given) => ping(given)
).pipe(
  Command.withDescription(
    "Connect to Bitcoin nodes, show what they say of themselves, and measure round trips.\n\n" +
      "  Without --connect the first node that answers is taken, of those that the seeds of the network name."
  ),
  Command.withShortDescription("Measure round trips, and show what nodes say of themselves"),
  Command.withExamples([
    { command: "holdfast bitcoin ping" },
    { command: "holdfast bitcoin ping --network bsv-regtest --connect 127.0.0.1:18444 --count 10 --interval 100ms" },
    { command: "holdfast bitcoin ping --connect node.example.org:8333 --json" }
  ])
)
