/**
 * Sends what a node has to tell to an OpenTelemetry collector, by OTLP over HTTP in protobuf: its log, the spans of its
 * links, its metrics.
 *
 * A collector that is away or silent costs what was to be sent and nothing else: every request ends, what waits is
 * bounded, and the log says once that it is away and once that it is back. It is tried again after a minute.
 */
import { Duration, Effect, Layer, Redacted, Schedule } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError } from "effect/http"
import { OtlpExporter, OtlpLogger, OtlpMetrics, OtlpSerialization, OtlpTracer } from "effect/observability"
import * as os from "node:os"
import { CreditMetrics } from "../layers/CreditMetrics.ts"
import { DeliveryMetrics } from "../layers/DeliveryMetrics.ts"
import { LinkMetrics } from "../layers/LinkMetrics.ts"
import { LinkTracer } from "../layers/LinkSpans.ts"
import type { Config } from "./Config.ts"
import { version } from "./Version.ts"

/** How long the collector may take to answer one request. */
const patience = Duration.seconds(10)
/** How long what is left may take when the node stops, for each of log, spans and metrics. */
const farewell = Duration.millis(700)

type Settings = Pick<Config, "data" | "network" | "otlpHeaders" | "otlpInterval">

const common = (url: string, { data, network, otlpHeaders, otlpInterval }: Settings) => ({
  headers: Object.fromEntries(otlpHeaders.map(({ name, value }) => [name, Redacted.value(value)])),
  exportInterval: Duration.millis(otlpInterval),
  shutdownTimeout: farewell,
  compression: "gzip" as const,
  resource: {
    serviceName: "holdfast",
    serviceVersion: version,
    // The same over restarts, and another one for each node of a machine.
    attributes: { "service.instance.id": `${os.hostname()}:${data}`, "holdfast.network": network }
  },
  to: (path: string) => ({ url: `${url}${path}` })
})

/** A client whose requests end, and which says when the collector goes away and comes back, for each of its places. */
const client: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function* () {
    const plain = yield* HttpClient.HttpClient
    const away = new Set<string>()
    const lost = (url: string, problem: string) =>
      Effect.suspend(() => {
        if (away.has(url)) return Effect.void
        away.add(url)
        return Effect.annotateLogs(Effect.logWarning("The OTLP collector does not take what is sent to it"), {
          url,
          problem
        })
      })
    const taken = (url: string) =>
      Effect.suspend(() =>
        away.delete(url)
          ? Effect.annotateLogs(Effect.logInfo("The OTLP collector takes what is sent to it again"), { url })
          : Effect.void
      )
    return HttpClient.transform(plain, (response, request) =>
      response.pipe(
        Effect.tap(({ arrayBuffer }) => Effect.ignore(arrayBuffer)),
        Effect.timeoutOrElse({
          duration: patience,
          orElse: () => {
            const description = `no answer within ${Duration.format(patience)}`
            const reason = new HttpClientError.TransportError({ request, description })
            return Effect.fail(new HttpClientError.HttpClientError({ reason }))
          }
        }),
        Effect.tap(({ status }) =>
          status < 300 ? taken(request.url) : lost(request.url, `it answers with status ${status}`)
        ),
        Effect.tapError((error) => lost(request.url, error.message))
      )
    )
  })
).pipe(Layer.provide(FetchHttpClient.layer))

/** The unit of a metric is in its name; without this all would be told as pure numbers. */
const unitOf = (name: string): string =>
  /_seconds(_total)?$/.test(name) ? "s" : /_bytes(_total)?$/.test(name) ? "By" : /_ratio$/.test(name) ? "1" : ""

const withUnits = ({ resourceMetrics }: OtlpMetrics.MetricsData): OtlpMetrics.MetricsData => ({
  resourceMetrics: resourceMetrics.map((resource) => ({
    ...resource,
    scopeMetrics: resource.scopeMetrics.map((scope) => ({
      ...scope,
      metrics: scope.metrics.map((metric) => ({ ...metric, unit: unitOf(metric.name) }))
    }))
  }))
})

const serialization = Layer.effect(
  OtlpSerialization.OtlpSerialization,
  Effect.map(OtlpSerialization.OtlpSerialization, (plain) => ({
    ...plain,
    metrics: (data: OtlpMetrics.MetricsData) => plain.metrics(withUnits(data))
  }))
).pipe(Layer.provide(OtlpSerialization.layerProtobuf))

const carrier = Layer.mergeAll(client, serialization, OtlpExporter.layerFlusher)

/** Below the node: its log goes to the collector as well, and its links have a tracer. */
export const below = (url: string, config: Settings): Layer.Layer<never> => {
  const { to, ...options } = common(url, config)
  return Layer.mergeAll(
    OtlpLogger.layer({ ...to("/v1/logs"), ...options }).pipe(Layer.provide(carrier)),
    Layer.effect(LinkTracer, OtlpTracer.make({ ...to("/v1/traces"), ...options })).pipe(Layer.provide(carrier))
  )
}

/** On top of the node and its metrics, which are sent until it ends. */
export const above = (
  url: string,
  config: Settings
): Layer.Layer<never, never, CreditMetrics | DeliveryMetrics | LinkMetrics> => {
  const { to, ...options } = common(url, config)
  const refreshing = Layer.effectDiscard(
    Effect.gen(function* () {
      const delivery = yield* DeliveryMetrics
      const credit = yield* CreditMetrics
      const refresh = Effect.all([delivery.refresh, credit.refresh], { concurrency: 2 })
      yield* Effect.forkScoped(Effect.repeat(refresh, Schedule.spaced(options.exportInterval)))
    })
  )
  return Layer.merge(OtlpMetrics.layer({ ...to("/v1/metrics"), ...options }), refreshing).pipe(Layer.provide(carrier))
}
