/**
 * What `holdfast bitcoin ping` prints: one value a line. Pure.
 */
import { printable } from "../cli/Table.ts"
import { micros, milliseconds, type PeerView, services } from "./PeerView.ts"

export type Line =
  /** Who has answered, before its first pong. */
  | ({ readonly _tag: "Peer" } & Pick<PeerView, "remote" | "agent" | "version" | "services" | "height">)
  /** The answer to ping `number`, which counts from 1. */
  | { readonly _tag: "Pong"; readonly remote: string; readonly number: number; readonly millis: number }
  /** No answer in time. */
  | { readonly _tag: "Missed"; readonly remote: string; readonly number: number }
  | Summary

/** Of round trips in milliseconds; those figures are missing where nothing was answered. */
export interface Summary {
  readonly _tag: "Summary"
  readonly remote: string
  readonly sent: number
  readonly answered: number
  readonly minMillis?: number
  readonly medianMillis?: number
  readonly maxMillis?: number
}

/** The middle one, or the mean of the two that are; of none it is not a number. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2
}

export const summary = (remote: string, sent: number, roundTrips: ReadonlyArray<number>): Summary => ({
  _tag: "Summary",
  remote,
  sent,
  answered: roundTrips.length,
  ...(roundTrips.length === 0
    ? {}
    : {
        minMillis: micros(Math.min(...roundTrips)),
        medianMillis: micros(median(roundTrips)),
        maxMillis: micros(Math.max(...roundTrips))
      })
})

const figures = ({ maxMillis, medianMillis, minMillis }: Summary): string =>
  minMillis === undefined || medianMillis === undefined || maxMillis === undefined
    ? ""
    : `: min ${milliseconds(minMillis)}, median ${milliseconds(medianMillis)}, max ${milliseconds(maxMillis)}`

/** As people read it. */
export const text = (line: Line): string => {
  switch (line._tag) {
    case "Peer": {
      const { agent = "", height = -1, remote, services: bits = "0x0", version = 0 } = line
      return `${remote} is ${printable(agent)}, version ${version}, height ${height}, services ${services(bits)}`
    }
    case "Pong":
      return `${line.remote} ping ${line.number}: ${milliseconds(line.millis)}`
    case "Missed":
      return `${line.remote} ping ${line.number}: no answer`
    case "Summary":
      return `${line.remote} answered ${line.answered} of ${line.sent}${figures(line)}`
  }
}
