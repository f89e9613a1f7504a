/**
 * The demo while it runs: a page that a terminal draws again and again in place, or one line at a time elsewhere.
 */
import { Clock, Effect } from "effect"
import { type Board, type Fault, type Name, names, othersOf } from "./Board.ts"

const count = (n: number): string => n.toLocaleString("en")

const clockOf = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1_000))
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`
}

const what = ({ kind, nodes }: Fault): string =>
  kind === "cut" ? `line ${nodes.join("–")} cut` : `${nodes.join()} ${kind === "kill" ? "killed" : "frozen"}`

const event = (board: Board, fault: Fault): string => {
  const seconds = (millis: number) => `${(millis / 1_000).toFixed(1)} s`
  const { at, owed, recovered, until } = fault
  const undone = until === undefined ? "" : `, undone after ${seconds(until - at)}`
  const back =
    recovered === undefined || until === undefined ? "" : `, sessions back ${seconds(recovered - until)} later`
  return `${clockOf(at - board.startedAt)} ${what(fault)} with ${count(owed)} owed${undone}${back}`
}

const sessions = (board: Board, name: Name): string =>
  othersOf(name)
    .map((other) => (board.entry(name).peers.get(other)?.session === undefined ? "-" : other))
    .join(" ")

const row = (cells: ReadonlyArray<string>): string =>
  ["", cells[0]!.padEnd(5), cells[1]!.padEnd(9), ...cells.slice(2).map((cell) => cell.padStart(10))].join(" ")

/** The whole page. */
export const page = (board: Board, now: number): ReadonlyArray<string> => [
  `Holdfast demo  ${clockOf(now - board.startedAt)}  ${board.doing}`,
  "",
  row(["node", "state", "sent", "owed", "delivered", "sessions"]),
  ...names.map((name) => {
    const { delivered, state } = board.entry(name)
    const [sent, owed] = [board.sum(name, "sent"), board.sum(name, "owed")]
    return row([name, state, ...[sent, owed, delivered].map(count), sessions(board, name)])
  }),
  "",
  ...board.faults.map((fault) => ` ${event(board, fault)}`),
  ` reconnects so far: ${board.reconnects}`
]

/** The page as one line. */
export const line = (board: Board, now: number): string => {
  const nodes = names.map((name) => {
    const { delivered, state } = board.entry(name)
    const figures = [`${count(board.sum(name, "sent"))} sent`, `${count(board.sum(name, "owed"))} owed`]
    return `${name} ${state}: ${[...figures, `${count(delivered)} delivered`].join(", ")}, sessions ${sessions(board, name)}`
  })
  return [`${clockOf(now - board.startedAt)} ${board.doing}`, ...nodes].join(" | ")
}

/** What is drawn on: `process.stdout` or `process.stderr`. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
}

/** Shows the board until it is interrupted, and leaves its last state on the screen. */
export const run = (board: Board, screen: Screen): Effect.Effect<void> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = () => clock.currentTimeMillisUnsafe()
    if (screen.isTTY !== true) {
      while (true) {
        screen.write(`${line(board, now())}\n`)
        yield* Effect.sleep("2 seconds")
      }
    }
    // A terminal that does not know its width says 0.
    const width = screen.columns === undefined || screen.columns === 0 ? 100 : screen.columns
    let drawn = 0
    const draw = () => {
      const lines = page(board, now()).map((text) => text.slice(0, width - 1))
      // Up to the first line of the last page, and each line anew from its start to its end.
      const up = drawn === 0 ? "" : `\u001b[${drawn}A`
      screen.write(up + lines.map((text) => `\r\u001b[2K${text}\n`).join(""))
      drawn = lines.length
    }
    yield* Effect.addFinalizer(() => Effect.sync(draw))
    while (true) {
      draw()
      yield* Effect.sleep("250 millis")
    }
  }).pipe(Effect.scoped)
