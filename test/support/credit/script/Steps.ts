/**
 * The words of scripts for simulated credit: what users do, what nodes say, what becomes of messages, what must be seen.
 *
 * A step is tried at its node again and again until it succeeds, in whatever life; commands are given under the step's key, so that one
 * that was done counts once.
 */
import { isDeepStrictEqual } from "node:util"
import { Effect } from "effect"
import { Cuid } from "../../../../src/protocol/credit/Chad.ts"
import type { CreditMessage } from "../../../../src/protocol/credit/CreditMessage.ts"
import type { TallyId } from "../../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../../src/protocol/credit/TallyHalf.ts"
import type { Command, Done } from "../../../../src/services/credit/Command.ts"
import { Credit } from "../../../../src/services/credit/Credit.ts"
import * as CreditProtocol from "../../../../src/services/credit/CreditProtocol.ts"
import { Delivery } from "../../../../src/services/delivery/Delivery.ts"
import { Feed } from "../../../../src/services/delivery/Feed.ts"
import type { Running } from "../../../../src/testing/cluster/Scenario.ts"
import { Transactions } from "../../../../src/services/Transactions.ts"
import type { Keyring } from "../../../../src/services/credit/Keyring.ts"
import type { Board, Kind, Rule, Way } from "./Board.ts"

export type Around = Running | Credit | Keyring

export interface Step {
  readonly name: string
  readonly node: string
  /** Whether it is done; asked again if not. */
  readonly run: (board: Board, key: string) => Effect.Effect<boolean, Error, Around>
}

/** A user's node is the first letter of their id. */
export const nodeOf = (user: string): string => user.slice(0, 1)

type Made<A> = A | ((board: Board) => A)
const madeOf = <A extends object>(made: Made<A>, board: Board): A => (typeof made === "function" ? made(board) : made)

/** A user does something, as soon as their node does not refuse it any more. `then` keeps what later steps need. */
export const does = (
  user: string,
  name: string,
  command: Made<Command>,
  then: (done: Done, board: Board) => void = () => undefined
): Step => ({
  name,
  node: nodeOf(user),
  run: Effect.fnUntraced(function* (board, key) {
    const done = yield* (yield* Credit).run(Cuid.make(user), madeOf(command, board), key)
    then(done, board)
    return true
  })
})

/** Anything that a node does. */
export const step = (node: string, name: string, run: Step["run"]): Step => ({ node, name, run })

/** What the script itself does, at no node in particular. */
export const now = (name: string, run: (board: Board) => void): Step =>
  step("a", name, (board) =>
    Effect.as(
      Effect.sync(() => run(board)),
      true
    )
  )

/** From now on this becomes of messages, until `ends`. */
export const begins = (rule: Rule): Step =>
  now(`${rule.kind ?? "everything"} from ${rule.from} to ${rule.to} is ${rule.fate}`, (board) => board.add(rule))
export const ends = (rule: Rule): Step =>
  now(`${rule.kind ?? "everything"} from ${rule.from} to ${rule.to} is ${rule.fate} no more`, (board) =>
    board.end(rule)
  )

/** Milliseconds in which the script does nothing. */
export const pause = (millis: number): Step =>
  step("a", `${millis} ms pass`, () => Effect.as(Effect.sleep(millis), true))

/** A node says something, as if it were its turn: what it has said before, or never would. */
export const says = (
  from: string,
  to: string,
  name: string,
  message: (board: Board) => Effect.Effect<CreditMessage | undefined, Error, Around>
): Step =>
  step(
    from,
    name,
    Effect.fnUntraced(function* (board) {
      const said = yield* message(board)
      if (said === undefined) return false
      const { within } = yield* Transactions
      const delivery = yield* Delivery
      yield* within(delivery.send(board.keyOf(to), CreditProtocol.Credit, said))
      return true
    })
  )

/** The first message of a kind on a way comes once more. */
export const again = (kind: Kind, { from, to }: Pick<Way, "from" | "to">): Step =>
  says(from, to, `${from} says ${kind} once more`, (board) =>
    Effect.sync(() => board.heard(kind, from, to)[0]?.message)
  )

/** The script waits until this is so. */
export const until = (node: string, name: string, check: (board: Board) => boolean): Step =>
  step(node, `until ${name}`, (board) => Effect.sync(() => check(board)))

/** This must be so now, or the script is broken. */
export const must = (name: string, check: (board: Board) => boolean): Step =>
  step("a", `now ${name}`, (board) =>
    Effect.sync(() => {
      if (!check(board)) board.broken = `not so: ${name}`
      return true
    })
  )

/** What a user can look at. */
export type Look = (credit: Credit["Service"], user: Cuid) => Effect.Effect<boolean, Error, Around>

const looked = (user: string, look: Look) => Effect.flatMap(Credit, (credit) => look(credit, Cuid.make(user)))

/** The script waits until a user sees this. */
export const awaits = (user: string, name: string, look: Look): Step =>
  step(nodeOf(user), `until ${user} sees ${name}`, () => looked(user, look))

/** A user sees this now, or the script is broken. */
export const finds = (user: string, name: string, look: Look): Step =>
  step(nodeOf(user), `${user} finds ${name}`, (board) =>
    Effect.map(looked(user, look), (isSo) => {
      if (!isSo) board.broken = `${user} does not find ${name}`
      return true
    })
  )

/** The script waits until a user's half is so. */
export const sees = (user: string, tally: TallyId, name: string, check: (half: TallyHalf) => boolean): Step =>
  awaits(user, name, (credit, cuid) =>
    Effect.map(credit.tally(cuid, tally), (half) => half !== undefined && check(half))
  )

/** A user's half must be so now. */
export const has = (
  user: string,
  tally: TallyId,
  name: string,
  check: (half: TallyHalf | undefined) => boolean
): Step => finds(user, name, (credit, cuid) => Effect.map(credit.tally(cuid, tally), check))

/** Kinds of the events that a user was told, in order; they must be these, of the kinds that are asked for. */
export const wasTold = (user: string, kinds: ReadonlyArray<string>, of: (kind: string) => boolean): Step =>
  step(
    nodeOf(user),
    `${user} was told ${kinds.join(", ")}`,
    Effect.fnUntraced(function* (board) {
      const items = yield* (yield* Feed).read({ audience: user, limit: 256 })
      const told = items.flatMap((item) => (item._tag === "Event" ? [item.event.kind] : [])).filter(of)
      if (!isDeepStrictEqual(told, kinds)) board.broken = `${user} was told ${told.join(", ")}, not ${kinds.join(", ")}`
      return true
    })
  )

/** The last message of a kind on a way, once there is one, has got this answer. */
export const answered = (kind: Kind, from: string, to: string, answer: string, count = 1): Step =>
  until(to, `${count} ${kind} from ${from} to ${to} was answered ${answer}`, (board) => {
    return board.answers(kind, from, to).filter((one) => one === answer).length >= count
  })

/** The script waits until somebody at a node is told something of this kind: a user, or the operator, whose name is empty. */
export const isTold = (node: string, audience: string, kind: string): Step =>
  step(
    node,
    `until ${audience === "" ? "the operator" : audience} is told ${kind} at ${node}`,
    Effect.fnUntraced(function* () {
      const items = yield* (yield* Feed).read({ audience, limit: 256 })
      return items.some((item) => item._tag === "Event" && item.event.kind === kind)
    })
  )
