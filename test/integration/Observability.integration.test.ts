/**
 * What two real nodes tell of themselves, as the tools of operators see it: a Prometheus scrapes one of them, which
 * sends its metrics to a VictoriaMetrics by OTLP as well; what the other sends is read by OpenTelemetry's definitions.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { PeerView } from "../../src/programs/http/Models.ts"
import { holdfast, type ReadyNode, startNode, temporaryFolder } from "../programs/HoldfastProcess.ts"
import { freePort } from "../support/FreePort.ts"
import { OtlpReceiver, type Span, textOf } from "../support/OtlpReceiver.ts"
import { find, type MetricsServer } from "../support/MetricsServer.ts"
import * as Prometheus from "../support/Prometheus.ts"
import * as VictoriaMetrics from "../support/VictoriaMetrics.ts"

const folder = await temporaryFolder()
const at = (name: string): string => join(folder.path, name)

let prometheus: MetricsServer
let victoria: MetricsServer
let receiver: OtlpReceiver
let alice: ReadyNode
let bob: ReadyNode
const stopping: Array<() => Promise<unknown>> = []

beforeAll(async () => {
  const address = `127.0.0.1:${await freePort()}`
  const token = join(at("alice"), "api.token")
  prometheus = await Prometheus.start([
    { job: "scraped", address, token },
    { job: "stranger", address, token: join(at("bob"), "api.token") }
  ])
  stopping.push(() => prometheus.stop())
  victoria = await VictoriaMetrics.start()
  stopping.push(() => victoria.stop())
  receiver = await OtlpReceiver.start()
  stopping.push(() => receiver.stop())
  const start = (name: string, ...args: ReadonlyArray<string>) =>
    startNode(at(name), ["--listen", "127.0.0.1:0", "--otlp-interval", "1s", ...args])
  const chain = at("chain.json")
  await writeFile(chain, JSON.stringify({ id: "seen", time: 1_700_000_000_000, intervalMillis: 500 }))
  const makes = ["--chain", chain, "--produce"]
  alice = await start(
    "alice",
    ...makes,
    "--api",
    address,
    "--otlp-url",
    VictoriaMetrics.otlpOf(victoria),
    "--metrics-per-peer"
  )
  stopping.push(() => alice.process.stop())
  const header = ["--otlp-header", "authorization=Bearer sesame"]
  bob = await start("bob", "--connect", alice.address, "--otlp-url", receiver.url, ...header)
  stopping.push(() => bob.process.stop())
})

afterAll(async () => {
  for (const stop of stopping.reverse()) await stop()
  await folder.remove()
})

const isAbove = (value: number) => (samples: ReadonlyArray<{ readonly value: number }>) =>
  (samples[0]?.value ?? Number.NEGATIVE_INFINITY) > value
const is = (value: number) => (samples: ReadonlyArray<{ readonly value: number }>) => samples[0]?.value === value
const peersOf = async ({ data }: ReadyNode) => {
  const { stdout } = await holdfast(["peers", "--json", "--data", data])
  return Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(Schema.Array(PeerView))))(stdout)
}

describe("a Prometheus server", () => {
  it("scrapes a node that it has the token of, and no other", async () => {
    const scrape = (job: string) => () => Prometheus.scrapeOf(prometheus, job)
    const up = await prometheus.ask(scrape("scraped"), (last) => last?.health === "up")
    assert.strictEqual(up?.lastError, "")
    const down = await prometheus.ask(scrape("stranger"), (last) => last?.lastError.includes("401") === true)
    assert.strictEqual(down?.health, "down")
  })

  it("has what the node itself says of its links", async () => {
    await prometheus.until('holdfast_link_sessions{job="scraped"}', is(1))
    await prometheus.until('holdfast_link_ping_success_ratio{job="scraped"}', is(1))
    const [sample] = await prometheus.query('holdfast_node_info{job="scraped"}')
    assert.strictEqual(sample?.metric["node"], alice.node)
    const [peer] = await peersOf(alice)
    const bytes = 'holdfast_link_received_bytes_total{job="scraped"}'
    const [seen] = await prometheus.until(bytes, ([sample]) => sample!.value >= (peer?.session?.bytesIn ?? 0))
    assert.isAbove(seen?.value ?? 0, 0)
    const each = `holdfast_link_peer_connected{job="scraped",peer="${bob.node}"}`
    await prometheus.until(each, is(1))
    const started = 'holdfast_link_sessions_started_total{job="scraped",direction="inbound"}'
    assert.deepStrictEqual(
      (await prometheus.query(started)).map(({ value }) => value),
      [1]
    )
    const slowest = 'histogram_quantile(1, holdfast_link_handshake_duration_seconds_bucket{job="scraped"})'
    const [handshake] = await prometheus.query(slowest)
    assert.isAbove(handshake?.value ?? 0, 0)
    assert.isAtMost(handshake?.value ?? 99, 10)
    await prometheus.until('holdfast_database_up{job="scraped"}', is(1))
  })

  it("has how the chain of the node goes on, and what its users do with credit", async () => {
    await prometheus.until('holdfast_chain_height{job="scraped"}', isAbove(2))
    await prometheus.until('holdfast_chain_blocks_produced_total{job="scraped"}', isAbove(2))
    await prometheus.until('holdfast_chain_behind_blocks{job="scraped"}', is(0))
    const ann = ["--data", alice.data]
    await holdfast(["user", "add", "ann", "--name", "Ann", ...ann])
    const done = 'holdfast_credit_commands_total{job="scraped",kind="PutUser",result="done"}'
    await prometheus.until(done, is(1))
    await prometheus.until('holdfast_credit_waiting{job="scraped",what="lift.promised"}', is(0))
    const series = 'count({__name__=~"holdfast_(credit|chain)_.*",job="scraped"})'
    const [count] = await prometheus.query(series)
    assert.isAbove(count?.value ?? 0, 100)
    assert.isBelow(count?.value ?? Number.POSITIVE_INFINITY, 1_000)
  })

  it("reads the types and the descriptions of all of them", async () => {
    const metadata = await Prometheus.metadata(prometheus)
    const ours = Object.entries(metadata).filter(([name]) => name.startsWith("holdfast_"))
    assert.isAbove(ours.length, 30)
    for (const [name, [about]] of ours) {
      assert.isAbove(about?.help.length ?? 0, 5, name)
      const isHistogram = /_duration_seconds$|_trip_seconds$|_depth_blocks$|_batch_messages$|_group_messages$/.test(
        name
      )
      const type = name.endsWith("_total") ? "counter" : isHistogram ? "histogram" : "gauge"
      if (!name.startsWith("holdfast_link_peer_")) assert.strictEqual(about?.type, type, name)
    }
  })

  it("answers the expressions that the handbook of operators gives", async () => {
    const text = readFileSync(fileURLToPath(new URL("../../docs/operating.md", import.meta.url)), "utf8")
    const block = /```promql\n([^`]+)```/.exec(text)?.[1] ?? ""
    const conditions = [...text.matchAll(/^\| `([^`]*holdfast_[^`]*|nodejs_[^`]*)` /gm)].map(([, found = ""]) => found)
    const expressions = [block, ...conditions.filter((found) => /[<>=({]/.test(found))]
    assert.isAbove(expressions.length, 8)
    for (const expression of expressions) await prometheus.query(expression.replaceAll("\\|", "|"))
  })

  it("is missed with what to install", () => {
    const env = { PATH: "", HOLDFAST_TEST_PROMETHEUS: "/nonexistent" }
    assert.throws(() => find("prometheus", env), /HOLDFAST_TEST_PROMETHEUS names/)
    assert.throws(() => find("no-such-server", { PATH: "" }), /scripts\/install-collectors.sh/)
  })
})

describe("a VictoriaMetrics", () => {
  it("takes the same metrics under the same names by OTLP", async () => {
    await victoria.until("holdfast_link_sessions", is(1))
    const [sample] = await victoria.query("holdfast_node_info")
    assert.deepInclude(sample?.metric, { node: alice.node, service_name: "holdfast", holdfast_network: "main" })
    const names = async (server: MetricsServer, labels: string) =>
      (await server.query(`count by (__name__) ({__name__=~"holdfast_.*"${labels}})`))
        .map(({ metric, value }) => `${metric["__name__"]} ${value}`)
        .filter((line) => !line.includes("_bucket "))
        .toSorted()
    // What is measured for the first time reaches one of them by the next scrape, and the other one by the next export.
    const both = () => Promise.all([names(victoria, ""), names(prometheus, ',job="scraped"')])
    const late = ["holdfast_link_ping_success_ratio 1", "holdfast_link_peer_connected 1"]
    await victoria.ask(both, ([pushed, scraped]) => {
      return pushed.join() === scraped.join() && late.every((name) => pushed.includes(name))
    })
  })
})

describe("an OpenTelemetry receiver", () => {
  it("gets the log and the metrics of a node, from whom it knows", async () => {
    const { headers, logs, metrics, resources } = await receiver.until(
      ({ logs, metrics }) =>
        metrics.has("holdfast_link_sessions") && logs.some(({ body }) => body.stringValue === "Session live")
    )
    assert.deepStrictEqual([...new Set(headers.map(({ authorization }) => authorization))], ["Bearer sesame"])
    const [resource] = resources
    assert.deepInclude(resource, { "service.name": "holdfast", "holdfast.network": "main" })
    assert.match(resource?.["service.instance.id"] ?? "", /:.*bob$/)
    const live = logs.find(({ body }) => body.stringValue === "Session live")
    assert.strictEqual(live?.severityText, "Info")
    assert.include(textOf(live?.attributes ?? [])["peer"], alice.node.slice(0, 8))
    const units = [
      "holdfast_link_handshake_duration_seconds",
      "holdfast_link_received_bytes_total",
      "holdfast_link_sessions"
    ]
    assert.deepStrictEqual(
      units.map((name) => metrics.get(name)?.unit ?? ""),
      ["s", "By", ""]
    )
  })

  it("gets the spans of links and no others, one trace for each that is dialled", async () => {
    await bob.process.stop()
    const named = (spans: ReadonlyArray<Span>, name: string) => spans.find((span) => span.name === name)
    const { spans } = await receiver.until(({ spans }) => named(spans, "link.session") !== undefined)
    const dial = named(spans, "link.dial")
    const handshake = named(spans, "link.handshake")
    const session = named(spans, "link.session")
    assert.deepStrictEqual([...new Set(spans.map(({ name }) => name))].toSorted(), [
      "link.dial",
      "link.handshake",
      "link.session"
    ])
    assert.strictEqual(handshake?.parentSpanId, dial?.spanId)
    assert.strictEqual(session?.parentSpanId, handshake?.spanId)
    assert.strictEqual(session?.traceId, dial?.traceId)
    assert.deepInclude(textOf(session?.attributes ?? []), {
      "holdfast.peer": alice.node,
      "holdfast.direction": "outbound",
      "holdfast.session": "1",
      "holdfast.end.reason": "shutdown"
    })
    assert.isTrue(BigInt(session?.endTimeUnixNano ?? 0) > BigInt(session?.startTimeUnixNano ?? 0))
    assert.strictEqual(session?.status.code, "STATUS_CODE_OK")
  })

  it("is missed in the log, once for each of its places", async () => {
    // VictoriaMetrics takes metrics and nothing else.
    const { stderr } = await alice.process.stop()
    const told = stderr.split("\n").filter((line) => line.includes("The OTLP collector does not take"))
    const places = told.map((line) => /url=\S+(\/v1\/\w+)\b.*status 4\d\d/.exec(line)?.[1])
    assert.deepStrictEqual(places.toSorted(), ["/v1/logs", "/v1/traces"])
  })
})
