/** What has gone through a proxy, and what is in it now. */
import type { Entrance } from "./Entrance.ts"

export interface Traffic {
  /** Connections that are open now, those that wait among them. */
  readonly open: number
  /** Connections that wait to be forwarded. */
  readonly waiting: number
  /** Connections that the targets have taken, in all. */
  readonly forwarded: number
  /** Connections that were turned away: by a fault, for want of room, or because it is not known where they go. */
  readonly refused: number
  /** Open connections that will never carry a byte again. */
  readonly silent: number
  /** Connections of ghosts, in all. */
  readonly ghosts: number
  /** Bytes that went through, both ways together. */
  readonly bytes: number
  /** Bytes that wait in the proxy now. */
  readonly held: number
}

export const trafficOf = (entrances: ReadonlyArray<Entrance>, ghosts: number): Traffic => {
  const sum = (figure: (entrance: Entrance) => number) =>
    entrances.reduce((total, entrance) => total + figure(entrance), 0)
  const connections = entrances.flatMap((entrance) => [...entrance.connections])
  return {
    open: connections.length,
    waiting: sum(({ waiting }) => waiting),
    forwarded: sum(({ forwarded }) => forwarded),
    refused: sum(({ refused }) => refused),
    silent: connections.filter(({ isSilent }) => isSilent).length,
    ghosts,
    bytes: sum(({ bytes }) => bytes),
    held: connections.reduce((total, { held }) => total + held, 0)
  }
}
