/**
 * The metrics of the Bitcoin peers of a command, over HTTP in the text format of Prometheus, for as long as the command runs.
 *
 * It wants no token, as what it tells are counts: who may not read them must not reach the port. Nothing but `GET /metrics` is answered.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer, Metric, Schema } from "effect"
import { HttpRouter } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import * as http from "node:http"
import * as BitcoinMetrics from "../../layers/BitcoinMetrics.ts"
import type { Endpoint } from "../../protocol/Address.ts"
import { PeerMeter } from "../../services/bitcoin/PeerMeter.ts"
import { PeerObserver } from "../../services/bitcoin/PeerObserver.ts"

/** The port is taken, or the address is not this machine's. */
export class MetricsUnavailable extends Schema.TaggedError<MetricsUnavailable>()("BitcoinMetricsUnavailable", {
  place: Schema.String,
  cause: Schema.optional(Schema.Defect())
}) {
  readonly fix = "Choose another place with --metrics host:port."
  override get message(): string {
    const reason = this.cause instanceof Error ? this.cause.message : "unknown reason"
    return `metrics cannot be told at ${this.place}: ${reason}`
  }
}

/** Connections at a time; more are closed. */
const mostReaders = 32

const server = (): http.Server => {
  const made = http.createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }).setTimeout(30_000)
  made.maxConnections = mostReaders
  return made
}

/** For below the manager: its peers are counted, in a registry of its own. */
export const counting: Layer.Layer<PeerMeter> = Layer.effect(
  PeerObserver,
  Effect.map(PeerMeter, ({ observer }) => observer)
).pipe(Layer.provideMerge(PeerMeter.layer), Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map())))

/** Tells them there; nowhere without a place. */
export const serving = (at: Endpoint | undefined): Layer.Layer<never, MetricsUnavailable, PeerMeter> => {
  if (at === undefined) return Layer.empty
  const { host, port } = at
  return HttpRouter.serve(PrometheusMetrics.layerHttp(), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(NodeHttpServer.layer(server, { host, port, gracefulShutdownTimeout: "1 second" })),
    Layer.catchTag("ServeError", ({ cause }) =>
      Layer.effectDiscard(Effect.fail(new MetricsUnavailable({ place: String(at), cause })))
    ),
    Layer.merge(BitcoinMetrics.layer)
  )
}
