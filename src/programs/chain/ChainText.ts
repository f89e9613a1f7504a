/**
 * How a chain is shown to people. Pure.
 */
import { green, red, yellow } from "../cli/Style.ts"
import { ahead, lasting, list, printable, table } from "../cli/Table.ts"
import type { ChainStatus } from "../http/ChainModels.ts"

/** The beginning of an id, as peers are shortened. */
export const shortId = (id: string): string => id.slice(0, 16)

const named = ({ height, id }: ChainStatus["tip"]): string => `${height}  ${id}`

/** `1 block`, `2 blocks`. */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

const behindOf = ({ behind, perSecond, secondsLeft }: ChainStatus): string => {
  if (behind === 0) return green("nothing: every block of the best chain that is known is here")
  const left = secondsLeft === undefined ? "" : `, ${lasting(secondsLeft * 1_000)} left`
  return yellow(`${counted(behind, "block")}, ${rate(perSecond)} a second${left}`)
}

/** Whole above ten. */
export const rate = (perSecond: number): string =>
  perSecond === 0 || perSecond >= 10 ? String(Math.round(perSecond)) : perSecond.toFixed(1)

const productionOf = ({ production }: ChainStatus, now: number): string => {
  if (production._tag === "Off") return "off: this node makes a block when it is told to"
  return production._tag === "At"
    ? `the next block ${ahead(production.time, now)}`
    : yellow(`waits: ${printable(production.why)}`)
}

const peerTable = ({ peers, tip }: ChainStatus): string =>
  peers.length === 0
    ? "No connected peer keeps this chain. Connect to one with: holdfast connect <address>"
    : table(
        ["PEER", "WHERE", "HEIGHT", "AHEAD", "TIP"],
        peers.map((peer) => [
          peer.peer.slice(0, 8),
          printable(peer.remote),
          String(peer.tip.height),
          peer.tip.height > tip.height ? String(peer.tip.height - tip.height) : "",
          shortId(peer.tip.id)
        ])
      )

export const refusedText = ({ height, id, reason }: NonNullable<ChainStatus["refused"]>): string =>
  `stands before block ${height}, ${shortId(id)}, which this program refuses: ${printable(reason)}`

export const status =
  (now: number) =>
  (chain: ChainStatus): string => {
    const { best, genesis, held, id, refused, tip, waiting } = chain
    const rows: Array<readonly [string, string]> = [
      ["Chain", id],
      ["Genesis", genesis],
      ["Height", named(tip)],
      ["Best", named(best)],
      ["Behind", behindOf(chain)]
    ]
    if (refused !== undefined) rows.push(["Refused", red(refusedText(refused))])
    if (held > 0) rows.push(["Held", `${counted(held, "block")}, until those before have come`])
    rows.push(["Waiting", waiting === 0 ? "no items" : `${counted(waiting, "item")} for a block of this node`])
    rows.push(["Production", productionOf(chain, now)])
    return `${list(rows)}\n\n${peerTable(chain)}`
  }

/** One line of it, for `holdfast status`. */
export const brief = ({ behind, best, id, tip }: ChainStatus): string =>
  `${id}, height ${tip.height}${behind === 0 ? "" : ` of ${best.height}`}`
