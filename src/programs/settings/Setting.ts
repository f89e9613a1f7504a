/**
 * What a setting is, and how the tables of settings are written.
 */
import * as Value from "../SettingValue.ts"

export interface Setting<A> {
  readonly flag: string
  /** Environment variables, the first one that is set counts. */
  readonly env: ReadonlyArray<string>
  readonly metavar: string
  readonly about: string
  readonly schema: Value.FromText<A>
  /** As it would be written; without one the setting may be absent. */
  readonly default?: string | undefined
  /** Several values: the flag again and again, the variable with commas, the file with an array. */
  readonly many?: true
  /** Never shown. */
  readonly secret?: true
}

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
export const kib = 1_024
export const mib = 1_024 * kib

const envOf = (flag: string): string => `HOLDFAST_${flag.toUpperCase().replaceAll("-", "_")}`

interface Spec {
  readonly metavar: string
  readonly about: string
  readonly env?: ReadonlyArray<string>
}

/** A setting that may be absent. */
export const optional = <A>(flag: string, schema: Value.FromText<A>, spec: Spec) => ({
  flag,
  schema,
  env: [envOf(flag)],
  ...spec
})

/** A setting with a default. */
export const required = <A>(flag: string, schema: Value.FromText<A>, standard: string, spec: Spec) => ({
  ...optional(flag, schema, spec),
  default: standard
})

/** Milliseconds, bounds included. */
export const time = (flag: string, minimum: number, maximum: number, standard: number, about: string) =>
  required(flag, Value.duration(minimum, maximum), `${standard}ms`, { metavar: "<time>", about })
export const number = (flag: string, minimum: number, maximum: number, standard: number, about: string) =>
  required(flag, Value.count(minimum, maximum), `${standard}`, { metavar: "<n>", about })
export const bytes = (flag: string, minimum: number, maximum: number, standard: number, about: string) =>
  required(flag, Value.size(minimum, maximum), `${standard}B`, { metavar: "<size>", about })
