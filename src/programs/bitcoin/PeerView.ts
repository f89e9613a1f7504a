/**
 * A connection with a Bitcoin node as it is shown: what the node says of itself, and what it is like. What it says is its word, and
 * comes in printable ASCII.
 */
import * as AgentPolicy from "../../protocol/bitcoin/AgentPolicy.ts"
import { Service } from "../../protocol/bitcoin/Version.ts"
import type { Entry } from "../../services/bitcoin/Roster.ts"
import { brief, size } from "../cli/Table.ts"

export interface PeerView {
  /** A number of this process. */
  readonly id: number
  readonly remote: string
  readonly direction: "inbound" | "outbound"
  readonly state: Entry["state"]
  /** From here on once it has said so. */
  readonly agent?: string
  readonly version?: number
  /** Its bits, in hex. */
  readonly services?: string
  /** Of the best block that it has, -1 if it does not say. */
  readonly height?: number
  /** Smoothed. */
  readonly rttMillis?: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** A figure of time as JSON shows it: to the microsecond. */
export const micros = (millis: number): number => Math.round(millis * 1_000) / 1_000

export const of = ({ id, kind, peer, remote, state }: Entry): PeerView => {
  const said = peer?.version
  const rtt = peer?.connection.heartbeat.rttMillis
  return {
    id,
    remote,
    direction: kind === "Outbound" ? "outbound" : "inbound",
    state,
    ...(said === undefined
      ? {}
      : {
          agent: AgentPolicy.printable(said.agent),
          version: said.version,
          services: `0x${said.services.toString(16)}`,
          height: said.height
        }),
    ...(rtt === undefined ? {} : { rttMillis: micros(rtt) }),
    bytesIn: peer?.connection.bytesIn ?? 0,
    bytesOut: peer?.connection.bytesOut ?? 0
  }
}

const serviceNames: ReadonlyArray<readonly [bigint, string]> = [
  [Service.network, "network"],
  [2n, "getutxo"],
  [Service.bloom, "bloom"],
  [Service.witness, "witness"],
  [0x10n, "xthin"],
  [Service.bitcoinCash, "bitcoin-cash"],
  [0x40n, "compact-filters"],
  [Service.networkLimited, "network-limited"]
]

/** Bits of `services` with the names of those that have one: `0x25 (network, bloom, bitcoin-cash)`. */
export const services = (bits: string): string => {
  const value = BigInt(bits)
  const named = serviceNames.flatMap(([bit, name]) => ((value & bit) === 0n ? [] : [name]))
  return named.length === 0 ? bits : `${bits} (${named.join(", ")})`
}

export const milliseconds = (millis: number): string => `${millis.toFixed(1)}ms`

export const headings = ["REMOTE", "DIRECTION", "STATE", "AGENT", "VERSION", "HEIGHT", "RTT", "IN", "OUT"]

export const cells = (view: PeerView): ReadonlyArray<string> => [
  view.remote,
  view.direction,
  view.state === "AwaitingHandshake" ? "Handshake" : view.state,
  view.agent ?? "",
  view.version === undefined ? "" : String(view.version),
  view.height === undefined ? "" : String(view.height),
  view.rttMillis === undefined ? "" : milliseconds(view.rttMillis),
  size(view.bytesIn),
  size(view.bytesOut)
]

/** How many of something: `8 peers`, `1 peer`. */
export const many = (count: number, what: string): string => `${brief(count)} ${what}${count === 1 ? "" : "s"}`
