/**
 * Colours, on a terminal that shows them and to whom NO_COLOR does not object.
 */
import { Effect } from "effect"

const enabled =
  process.stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb"

const style =
  (open: number, close: number) =>
  (text: string): string =>
    enabled && text !== "" ? `\u001b[${open}m${text}\u001b[${close}m` : text

export const bold = style(1, 22)
export const dim = style(2, 22)
export const green = style(32, 39)
export const yellow = style(33, 39)
export const red = style(31, 39)

/** Empties the screen, where there is one. */
export const clear = Effect.sync(() => void (enabled && process.stdout.write("\u001b[H\u001b[2J")))
