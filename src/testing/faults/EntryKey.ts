/**
 * What an entry of a plan is called when it draws random numbers: by what it does, to whom, and when. Neither its place
 * in the plan nor the other entries matter, and how long or how strong it is does not either, so that an entry that is
 * shrunk goes on as it began.
 */
import type { Entry } from "./FaultPlan.ts"

const strengths = new Set(["for", "share", "down", "after", "takes", "most", "latency", "bytes", "by"])

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

/** As JSON, whatever order the fields came in. */
const words = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(words).join()}]`
  if (!isObject(value)) return JSON.stringify(value) ?? ""
  const fields = Object.keys(value).filter((field) => value[field] !== undefined && !strengths.has(field))
  return `{${fields
    .sort()
    .map((field) => `${field}:${words(value[field])}`)
    .join()}}`
}

/** A key for every entry, in their order; of those that would have the same one all but the first have a number at the end. */
export const keysOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> => {
  const seen = new Map<string, number>()
  return entries.map((entry) => {
    const key = words(entry)
    const nth = seen.get(key) ?? 0
    seen.set(key, nth + 1)
    return nth === 0 ? key : `${key}#${nth}`
  })
}
