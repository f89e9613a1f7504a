/**
 * Series of metrics whose values are read where they are, when somebody exports: nothing is counted twice, and nothing
 * is counted in vain.
 */
import { type Context, Metric } from "effect"
import * as Histogram from "../protocol/Histogram.ts"

export type Labels = Readonly<Record<string, string>>

/** Registers series until the scope of whoever made it closes. */
export interface Series {
  readonly gauge: (name: string, description: string, read: () => number, labels?: Labels) => void
  readonly counter: (name: string, description: string, read: () => number | bigint, labels?: Labels) => void
  readonly histogram: (name: string, description: string, read: () => Histogram.Histogram, labels?: Labels) => void
  readonly remove: () => void
}

const ignored = { update: () => {}, modify: () => {} }

/** Series in the metric registry of a context. */
export const make = (context: Context.Context<never>): Series => {
  const registered: Array<Metric.Registration> = []
  return {
    gauge: (name, description, read, attributes) => {
      const metric = Metric.gauge(name, { description, attributes })
      registered.push(Metric.registerUnsafe(metric, context, { get: () => ({ value: read() }), ...ignored }))
    },
    counter: (name, description, read, attributes) => {
      const metric = Metric.counter(name, { description, attributes, incremental: true })
      const get = () => ({ count: Number(read()), incremental: true })
      registered.push(Metric.registerUnsafe(metric, context, { get, ...ignored }))
    },
    histogram: (name, description, read, attributes) => {
      const metric = Metric.histogram(name, { description, attributes, boundaries: read().bounds })
      const get = () => {
        const histogram = read()
        const { max, min, sum } = histogram
        return { buckets: Histogram.cumulative(histogram), count: Histogram.size(histogram), min, max, sum }
      }
      registered.push(Metric.registerUnsafe(metric, context, { get, ...ignored }))
    },
    remove: () => registered.splice(0).forEach((registration) => registration.remove())
  }
}
