/**
 * What the demo of credit has seen while it ran, for the verdict. What is missing has not come to pass.
 */
import { Schema } from "effect"
import { Status } from "../../../protocol/credit/LiftState.ts"
import { Payment } from "../../../services/credit/CreditTables.ts"
import type { Pair, Site } from "./Sites.ts"

/** Where a lift stands at a site: `absent` if nothing is known of it there, `away` if the site did not answer. */
export const Standing = Schema.Union([Status, Schema.Literals(["absent", "away"])])
export type Standing = typeof Standing.Type
export type Standings = Readonly<Partial<Record<Site, Standing>>>

/** A tally as both ends have it; milli-CHIP. */
export interface Balance extends Pair {
  readonly atDebtor: bigint | undefined
  readonly atCreditor: bigint | undefined
  /** Both ends have all chits in one order, and nothing is reserved. */
  readonly isQuiet: boolean
}

/** What `holdfast audit` has said at a site. */
export interface Audited {
  readonly site: Site
  /** 0: nothing was found. */
  readonly code: number | null
  readonly text: string
}

/** How a site answered the request to stop. */
export interface Stop {
  readonly site: Site
  readonly code: number | null
  readonly signal: string | null
  readonly millis: number
}

export interface Facts {
  /** Invoices that were paid. */
  invoices: number
  /** When the relay was killed, where the lift stood at every site of its way. */
  killedAt: Standings | undefined
  /** Where it stood at the relay after its restart. */
  remembered: Standing | undefined
  /** When the line had been cut and the referee had decided. */
  cutAt: Standings | undefined
  /** In the end. */
  payment: (typeof Payment.Type)["status"] | undefined
  settled: Standings
  circle: (typeof Payment.Type)["status"] | undefined
  balances: ReadonlyArray<Balance>
  audits: ReadonlyArray<Audited>
  stops: ReadonlyArray<Stop>
  /** Seconds after which the time was over. */
  ranOutAfter: number | undefined
}

export const none = (): Facts => ({
  invoices: 0,
  killedAt: undefined,
  remembered: undefined,
  cutAt: undefined,
  payment: undefined,
  settled: {},
  circle: undefined,
  balances: [],
  audits: [],
  stops: [],
  ranOutAfter: undefined
})
