/**
 * The metrics of the process, under the names that dashboards of Node.js processes know, and what node it is. They cost
 * nothing between two exports.
 */
import { Effect, Layer } from "effect"
import { performance } from "node:perf_hooks"
import * as Series from "../layers/Series.ts"
import { Self } from "../services/link/Self.ts"
import { version } from "./Version.ts"

/** Registers them in the metric registry of the context, until the scope closes. */
export const layer: Layer.Layer<never, never, Self> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { incarnation, key, network } = yield* Self
    const series = Series.make(yield* Effect.context<never>())
    const { counter, gauge } = series
    gauge("holdfast_node_info", "What node this is; always 1", () => 1, { node: key, network, version })
    gauge("holdfast_node_incarnation", "How often the node has started on its database", () => Number(incarnation))
    const cpu = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6
    counter("process_cpu_seconds_total", "Processor time used", cpu)
    gauge("process_start_time_seconds", "When the process started, since 1970", () => performance.timeOrigin / 1e3)
    gauge("process_resident_memory_bytes", "Memory in use by the process", () => process.memoryUsage.rss())
    gauge("nodejs_heap_size_used_bytes", "Heap in use", () => process.memoryUsage().heapUsed)
    let before = performance.eventLoopUtilization()
    const busy = () => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, before)
      before = now
      return utilization
    }
    gauge("nodejs_eventloop_utilization_ratio", "Part of the time since the last export that was work", busy)
    yield* Effect.addFinalizer(() => Effect.sync(series.remove))
  })
)
