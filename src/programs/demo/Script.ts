/**
 * What the demo does to its nodes, one thing after the other, each while messages are owed: a process is killed and
 * restarted, a line is cut and healed, a process is frozen and continued.
 *
 * A cut line is silent, like a pulled cable: nobody is told, the nodes have to find out.
 */
import { Clock, Duration, Effect } from "effect"
import type { Board, Fault, Name } from "./Board.ts"
import type { Cluster } from "./Cluster.ts"

/** How long each part takes. Heartbeat profile `fast` gives a peer up after 5 s. */
const calm = Duration.seconds(2)
const dead = Duration.seconds(2)
const cutFor = Duration.seconds(10)
const frozenFor = Duration.seconds(8)
/** How long to wait for the right moment, and for sessions to come back, before going on all the same. */
const patience = Duration.seconds(15)

/** Messages to each other node that a node sends at once before a fault, so that it finds some on their way. */
const rush = 25

const bounded = (effect: Effect.Effect<void>) => Effect.asVoid(Effect.timeoutOption(effect, patience))

export const run = Effect.fnUntraced(function* (board: Board, cluster: Cluster) {
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()

  /** Lets a node send many messages at once, and returns when it has just said that it owes most of them. */
  const whileOwed = Effect.fnUntraced(function* (from: Name, to: ReadonlyArray<Name>) {
    let owed = 0
    cluster.rush(from, rush)
    yield* bounded(
      cluster.until((by) => {
        const { peers } = board.entry(from)
        owed = to.reduce((sum, name) => sum + (peers.get(name)?.owed ?? 0), 0)
        return by === from && owed >= (rush * to.length) / 2
      })
    )
    return owed
  })

  const happened = (kind: Fault["kind"], nodes: ReadonlyArray<Name>, owed: number): Fault => {
    const fault: Fault = { kind, nodes, at: now(), owed, until: undefined, recovered: undefined }
    board.faults.push(fault)
    return fault
  }

  const recover = Effect.fnUntraced(function* (fault: Fault) {
    fault.until = now()
    board.doing = "waiting for every session to be live again"
    yield* bounded(
      Effect.map(
        cluster.until(() => board.connected),
        () => void (fault.recovered = now())
      )
    )
    board.doing = "sending"
    yield* Effect.sleep(calm)
  })

  board.doing = "sending"
  yield* bounded(cluster.until(() => board.connected))
  yield* Effect.sleep(calm)

  const killed = happened("kill", ["A"], yield* whileOwed("A", ["B", "C"]))
  yield* cluster.kill("A")
  board.doing = "A was killed with SIGKILL"
  yield* Effect.sleep(dead)
  board.doing = "A is restarted"
  yield* cluster.restart("A")
  yield* recover(killed)

  const cut = happened("cut", ["B", "C"], yield* whileOwed("B", ["C"]))
  cluster.cut("B", "C")
  board.doing = "the line between B and C is cut for 10 s"
  yield* Effect.sleep(cutFor)
  cluster.heal("B", "C")
  yield* recover(cut)

  const frozen = happened("freeze", ["C"], yield* whileOwed("C", ["A", "B"]))
  cluster.freeze("C")
  board.doing = "C is frozen with SIGSTOP for 8 s"
  yield* Effect.sleep(frozenFor)
  cluster.thaw("C")
  yield* recover(frozen)
  board.doing = "sending what is left"
})
