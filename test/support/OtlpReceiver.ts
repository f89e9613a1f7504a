/**
 * Takes OTLP over HTTP and reads it with the decoders that OpenTelemetry generates from its own definitions, which share
 * nothing with the encoder under test.
 */
import { Schema } from "effect"
import { createRequire } from "node:module"
import * as http from "node:http"
import { gunzipSync } from "node:zlib"

const Value = Schema.Struct({
  stringValue: Schema.optionalKey(Schema.String),
  intValue: Schema.optionalKey(Schema.String),
  doubleValue: Schema.optionalKey(Schema.Number),
  boolValue: Schema.optionalKey(Schema.Boolean)
})
const Attributes = Schema.Array(Schema.Struct({ key: Schema.String, value: Value }))
const Resource = Schema.Struct({ attributes: Attributes })

const Span = Schema.Struct({
  name: Schema.String,
  traceId: Schema.String,
  spanId: Schema.String,
  parentSpanId: Schema.optionalKey(Schema.String),
  kind: Schema.String,
  startTimeUnixNano: Schema.String,
  endTimeUnixNano: Schema.String,
  attributes: Attributes,
  status: Schema.Struct({ code: Schema.optionalKey(Schema.String) })
})
const Log = Schema.Struct({ severityText: Schema.String, body: Value, attributes: Schema.optionalKey(Attributes) })
const Metric = Schema.Struct({
  name: Schema.String,
  unit: Schema.optionalKey(Schema.String),
  description: Schema.String
})

/** What may be sent, and the type that OpenTelemetry's definitions have for it. */
const signals = {
  "/v1/traces": {
    type: "trace.v1.ExportTraceServiceRequest",
    schema: Schema.Struct({
      resourceSpans: Schema.Array(
        Schema.Struct({ resource: Resource, scopeSpans: Schema.Array(Schema.Struct({ spans: Schema.Array(Span) })) })
      )
    })
  },
  "/v1/logs": {
    type: "logs.v1.ExportLogsServiceRequest",
    schema: Schema.Struct({
      resourceLogs: Schema.Array(
        Schema.Struct({ resource: Resource, scopeLogs: Schema.Array(Schema.Struct({ logRecords: Schema.Array(Log) })) })
      )
    })
  },
  "/v1/metrics": {
    type: "metrics.v1.ExportMetricsServiceRequest",
    schema: Schema.Struct({
      resourceMetrics: Schema.Array(
        Schema.Struct({
          resource: Resource,
          scopeMetrics: Schema.Array(Schema.Struct({ metrics: Schema.Array(Metric) }))
        })
      )
    })
  }
} as const

export type Span = typeof Span.Type
export type Log = typeof Log.Type
export type Metric = typeof Metric.Type

/** Everything that has come so far. */
export interface Received {
  readonly spans: Array<Span>
  readonly logs: Array<Log>
  readonly metrics: Map<string, Metric>
  readonly resources: Array<Readonly<Record<string, string>>>
  readonly headers: Array<http.IncomingHttpHeaders>
}

interface Decoder {
  readonly decode: (bytes: Uint8Array) => object
  readonly toObject: (message: object, options: object) => unknown
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  (typeof value === "object" && value !== null) || typeof value === "function"
const isDecoder = (value: unknown): value is Decoder =>
  isRecord(value) && typeof value["decode"] === "function" && typeof value["toObject"] === "function"

const generated: unknown = createRequire(import.meta.url)("@opentelemetry/otlp-transformer/build/src/generated/root")

const decoderOf = (type: string): Decoder => {
  const found = `opentelemetry.proto.collector.${type}`
    .split(".")
    .reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), generated)
  if (!isDecoder(found)) throw new Error(`OpenTelemetry's definitions have no ${type}`)
  return found
}

const decode = (type: string, bytes: Uint8Array): unknown => {
  const decoder = decoderOf(type)
  return decoder.toObject(decoder.decode(bytes), { longs: String, enums: String, bytes: String, arrays: false })
}

export const textOf = (attributes: typeof Attributes.Type): Readonly<Record<string, string>> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.intValue ?? String(value.doubleValue ?? value.boolValue)
    ])
  )

const keep = (received: Received, path: keyof typeof signals, bytes: Uint8Array): void => {
  const value = decode(signals[path].type, bytes)
  if (path === "/v1/traces") {
    for (const { resource, scopeSpans } of Schema.decodeUnknownSync(signals[path].schema)(value).resourceSpans) {
      received.resources.push(textOf(resource.attributes))
      received.spans.push(...scopeSpans.flatMap(({ spans }) => spans))
    }
  } else if (path === "/v1/logs") {
    for (const { resource, scopeLogs } of Schema.decodeUnknownSync(signals[path].schema)(value).resourceLogs) {
      received.resources.push(textOf(resource.attributes))
      received.logs.push(...scopeLogs.flatMap(({ logRecords }) => logRecords))
    }
  } else {
    for (const { resource, scopeMetrics } of Schema.decodeUnknownSync(signals[path].schema)(value).resourceMetrics) {
      received.resources.push(textOf(resource.attributes))
      for (const metric of scopeMetrics.flatMap(({ metrics }) => metrics)) received.metrics.set(metric.name, metric)
    }
  }
}

const isSignal = (path: string): path is keyof typeof signals => path in signals

export class OtlpReceiver {
  readonly url: string
  readonly received: Received
  readonly #server: http.Server
  readonly #problems: ReadonlyArray<string>
  readonly #look: Set<() => void>

  private constructor(
    server: http.Server,
    url: string,
    received: Received,
    problems: ReadonlyArray<string>,
    look: Set<() => void>
  ) {
    this.#server = server
    this.url = url
    this.received = received
    this.#problems = problems
    this.#look = look
  }

  static async start(): Promise<OtlpReceiver> {
    const received: Received = { spans: [], logs: [], metrics: new Map(), resources: [], headers: [] }
    const problems: Array<string> = []
    const look = new Set<() => void>()
    const server = http.createServer(async (request, response) => {
      const chunks: Array<Uint8Array> = []
      for await (const chunk of request) chunks.push(chunk)
      const sent = Buffer.concat(chunks)
      try {
        const path = request.url ?? ""
        if (!isSignal(path) || request.headers["content-type"] !== "application/x-protobuf") {
          throw new Error(`${request.method} ${path} ${request.headers["content-type"]}`)
        }
        received.headers.push(request.headers)
        keep(received, path, request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent)
      } catch (cause) {
        problems.push(String(cause))
      }
      response.writeHead(200, { "content-type": "application/x-protobuf" }).end()
      for (const see of look) see()
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    if (address === null || typeof address === "string") throw new Error("no port for the receiver")
    return new OtlpReceiver(server, `http://127.0.0.1:${address.port}`, received, problems, look)
  }

  /** Waits until what has come satisfies `holds`; what could not be read ends the waiting. */
  until(holds: (received: Received) => boolean): Promise<Received> {
    return new Promise((resolve, reject) => {
      const see = () => {
        if (this.#problems.length > 0) reject(new Error(this.#problems.join("\n")))
        else if (!holds(this.received)) return
        else resolve(this.received)
        this.#look.delete(see)
      }
      this.#look.add(see)
      see()
    })
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
