/**
 * A Bitcoin manager at a glance: one page for a terminal, which fits it. Pure.
 */
import { stripVTControlCharacters } from "node:util"
import { ago, moment, table } from "../cli/Table.ts"
import * as HeaderReport from "./HeaderReport.ts"
import * as PeerView from "./PeerView.ts"
import * as Progress from "./Progress.ts"

/** Something that has happened. */
export interface Happening {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly text: string
}

export interface Model {
  readonly network: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Where it listens, if it does. */
  readonly listening: string | undefined
  readonly peers: ReadonlyArray<PeerView.PeerView>
  readonly tip: HeaderReport.Tip
  readonly progress: Progress.State
  /** Headers are on their way. */
  readonly isAsking: boolean
  /** The newest last. */
  readonly events: ReadonlyArray<Happening>
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Happenings that a page may need: more rows than terminals have. */
export const mostEvents = 200
/** Characters of an agent. */
const longestAgent = 28

const two = (count: number): string => String(count).padStart(2, "0")

/** `00:12:03`. */
export const clock = (millis: number): string => {
  const seconds = Math.max(0, Math.floor(millis / 1_000))
  return [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":")
}

/** A bar of so many characters. */
export const bar = (percent: number, width: number): string => {
  const inner = Math.max(0, width - 2)
  const full = Math.floor((inner * Math.min(100, Math.max(0, percent))) / 100)
  return `[${"#".repeat(full)}${".".repeat(inner - full)}]`
}

const title = ({ listening, network, peers, startedAt }: Model, now: number): string => {
  const connected = peers.filter(({ state }) => state === "Connected").length
  const others = peers.length - connected
  const underWay = others === 0 ? "" : `, ${others} under way`
  const where = listening === undefined ? "" : `, listening at ${listening}`
  return `Holdfast on ${network}  ${clock(now - startedAt)}  ${PeerView.many(connected, "peer")}${underWay}${where}`
}

/** While there is a way to go: how far it is. */
const headers = ({ isAsking, progress, tip }: Model, now: number, columns: number): ReadonlyArray<string> => {
  const { id, time } = tip
  const best = `tip ${tip.height}  ${id}  ${HeaderReport.date(time)} (${ago(time * 1_000, now)})`
  const isBehind = (progress.goal ?? 0) > tip.height || (isAsking && progress.rate > 0)
  return isBehind ? [Progress.line(progress), bar(progress.percent ?? 0, Math.min(columns - 1, 60))] : [best]
}

const shortened = (view: PeerView.PeerView): PeerView.PeerView => {
  const { agent } = view
  return agent === undefined || agent.length <= longestAgent
    ? view
    : { ...view, agent: `${agent.slice(0, longestAgent - 1)}…` }
}

const peerTable = (peers: ReadonlyArray<PeerView.PeerView>, rows: number): ReadonlyArray<string> => {
  if (peers.length === 0) return ["no peers yet"]
  const shown = peers.slice(0, Math.max(1, rows - 2))
  const lines = table(
    PeerView.headings,
    shown.map((view) => PeerView.cells(shortened(view)))
  ).split("\n")
  return shown.length === peers.length ? lines : [...lines, `and ${peers.length - shown.length} more`]
}

/** The page: at most as many lines as there are rows, none wider than the terminal but for its last column. */
export const page = (model: Model, now: number, { columns, rows }: Size): ReadonlyArray<string> => {
  const above = [title(model, now), ...headers(model, now, columns), ""]
  const room = Math.max(3, rows - above.length - 3)
  const peers = peerTable(model.peers, Math.max(3, Math.floor(room / 2)))
  const left = Math.max(0, room - peers.length)
  const events = model.events.slice(-left || model.events.length).map(({ at, text }) => `${moment(at, now)}  ${text}`)
  return [...above, ...peers, "", ...(left === 0 ? [] : events), "", "q ends it"]
    .slice(0, Math.max(1, rows))
    .map((line) => stripVTControlCharacters(line).slice(0, Math.max(1, columns - 1)))
}
