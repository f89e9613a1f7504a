/**
 * The HTTP API of a real node, over loopback: what it answers to those who may ask, to those who may not, and to
 * requests that make no sense.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, FileSystem, Layer, Schema } from "effect"
import * as http from "node:http"
import { join } from "node:path"
import { DataFolder } from "../../../src/layers/DataFolder.ts"
import { load } from "../../../src/programs/Config.ts"
import { files } from "../../../src/programs/FolderFiles.ts"
import { maxPage } from "../../../src/programs/http/Api.ts"
import {
  Accepted,
  AuditItem,
  BanView,
  EventView,
  Healthy,
  InboxPage,
  Lifted,
  OwedPage,
  ParkedDropped,
  ParkedPage,
  PeerView,
  Retried
} from "../../../src/programs/http/Models.ts"
import { ApiServer } from "../../../src/programs/http/Server.ts"
import * as NoteProtocol from "../../../src/programs/NoteProtocol.ts"
import * as Start from "../../../src/programs/Start.ts"
import { NodeKey } from "../../../src/protocol/NodeKey.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import { RetryStore } from "../../../src/services/delivery/RetryStore.ts"
import { Node } from "../../../src/services/Node.ts"
import { copyTo } from "../../support/EmbeddedDatabase.ts"

const stranger = NodeKey.make("ab".repeat(32))

const node = Layer.unwrap(
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const data = yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-api-" })
    yield* copyTo(join(data, files.database))
    const config = yield* load({ flags: { listen: "127.0.0.1:0", logLevel: "error" }, data, env: {} })
    return Layer.provideMerge(Start.node(config), Start.standing(config))
  })
).pipe(Layer.provide(NodeServices.layer))

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/** One request, with the node's token unless `headers` says otherwise. */
const ask = Effect.fn(function* (method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const { url } = yield* ApiServer
  const response = yield* Effect.promise(async () =>
    fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: await bearer(),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers
      },
      ...(body === undefined ? {} : { body })
    })
  )
  const text = yield* Effect.promise(() => response.text())
  return { status: response.status, type: response.headers.get("content-type") ?? "", body: text } satisfies Answer
})

let token: string | undefined
const bearer = async (): Promise<string> => token ?? ""
const authenticate = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* DataFolder
  token = `Bearer ${(yield* fs.readFileString(folder.file(files.token))).trim()}`
})

const Problem = Schema.fromJsonString(
  Schema.Struct({
    _tag: Schema.String,
    message: Schema.NonEmptyString,
    fix: Schema.NonEmptyString,
    see: Schema.optionalKey(Schema.NonEmptyString)
  })
)
const problem = (answer: Answer, status: number, tag: string) => {
  assert.strictEqual(answer.status, status, answer.body)
  assert.include(answer.type, "application/json")
  const said = Schema.decodeUnknownSync(Problem)(answer.body)
  assert.strictEqual(said._tag, tag)
  return said
}
const result = <A, I>(schema: Schema.Codec<A, I>, answer: Answer): A => {
  assert.strictEqual(answer.status, 200, answer.body)
  return Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(schema)))(answer.body)
}

/** The items in a stream that has ended. */
const events = (answer: Answer): ReadonlyArray<EventView> => {
  assert.include(answer.type, "text/event-stream")
  const blocks = answer.body.split("\n\n").filter((block) => block.startsWith("id: "))
  return blocks.map((block) => {
    const [id = "", data = ""] = block.split("\n")
    const item = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(EventView)))(data.slice(6))
    assert.strictEqual(id.slice(4), item.cursor)
    return item
  })
}

layer(Layer.provideMerge(Layer.effectDiscard(authenticate), node), {
  excludeTestServices: true
})("the API", (it) => {
  it.effect("tells nothing to whom has no token, or another one", () =>
    Effect.gen(function* () {
      const paths = [
        "/health",
        "/metrics",
        "/peers",
        "/bans",
        "/outbox",
        "/inbox",
        "/inbox/parked",
        "/audit",
        "/attention",
        "/events",
        "/chain",
        "/chain/blocks",
        "/chain/events",
        "/chain/verify",
        `/peers/${stranger}/transitions`
      ]
      for (const path of paths) {
        for (const authorization of ["", "Bearer", "Bearer x", `Basic ${token?.slice(7)}`, `${token}x`]) {
          const said = problem(yield* ask("GET", path, undefined, { authorization }), 401, "Unauthorized")
          assert.include(said.fix, "Authorization: Bearer")
        }
      }
      problem(yield* ask("POST", "/messages", "{", { authorization: "" }), 401, "Unauthorized")
    })
  )

  it.effect("tells who asks for the chain of a node without one how to get one", () =>
    Effect.gen(function* () {
      const requests = [
        ["GET", "/chain"],
        ["GET", "/chain/blocks?above=-1&limit=256"],
        ["POST", "/chain/items", '{"hex":"00fF"}'],
        ["POST", "/chain/produce"],
        ["GET", "/chain/events"],
        ["GET", "/chain/verify"]
      ] as const
      for (const [method, path, body] of requests) {
        assert.include(problem(yield* ask(method, path, body), 404, "NotFound").fix, "--chain <file>")
      }
      for (const query of ["above=-2", "limit=0", "limit=257", "above=1.5"]) {
        problem(yield* ask("GET", `/chain/blocks?${query}`), 400, "BadRequest")
      }
      for (const body of ["{}", '{"hex":"0"}', '{"text":1}', "[]"]) {
        problem(yield* ask("POST", "/chain/items", body), 400, "BadRequest")
      }
    })
  )

  it.effect("says how the node is", () =>
    Effect.gen(function* () {
      const health = result(Healthy, yield* ask("GET", "/health"))
      const { address, key } = yield* Node
      assert.strictEqual(health.address, address?.toString())
      assert.deepInclude(health, { node: key, database: "embedded", sessions: 0, owed: 0 })
      assert.isAbove(Number(health.incarnation), 0)
    })
  )

  it.effect("tells its metrics in the text format of Prometheus", () =>
    Effect.gen(function* () {
      const { key } = yield* Node
      const metrics = yield* ask("GET", "/metrics")
      assert.strictEqual(metrics.status, 200)
      assert.include(metrics.type, "text/plain; version=0.0.4")
      const lines = metrics.body.split("\n")
      for (const line of ["holdfast_link_sessions 0", "holdfast_database_up 1", "holdfast_delivery_owed_messages 0"])
        assert.include(lines, line)
      assert.include(metrics.body, `holdfast_node_info{node="${key}",network="main"`)
      assert.include(lines, "# TYPE holdfast_link_ping_round_trip_seconds histogram")
    })
  )

  it.effect("describes itself", () =>
    Effect.gen(function* () {
      const document = yield* ask("GET", "/openapi.json")
      assert.strictEqual(document.status, 200)
      const { paths } = Schema.decodeUnknownSync(
        Schema.fromJsonString(Schema.Struct({ paths: Schema.Record(Schema.String, Schema.Json) }))
      )(document.body)
      assert.includeMembers(Object.keys(paths), [
        "/health",
        "/metrics",
        "/peers",
        "/messages",
        "/outbox",
        "/inbox",
        "/events"
      ])
      assert.include((yield* ask("GET", "/docs")).type, "text/html")
    })
  )

  it.effect("refuses requests that make no sense, and says what is wrong with them", () =>
    Effect.gen(function* () {
      const bodies = [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"peer":1}',
        `{"peer":"${stranger}"}`,
        `{"peer":"${stranger}","text":""}`
      ]
      for (const body of bodies) problem(yield* ask("POST", "/messages", body), 400, "BadRequest")
      const nul = JSON.stringify({ peer: stranger, text: "a\0b" })
      assert.include(problem(yield* ask("POST", "/messages", nul), 400, "BadRequest").message, "character 0")
      const address = JSON.stringify({ address: "holdfast://x" })
      assert.include(problem(yield* ask("POST", "/peers", address), 400, "BadRequest").message, "64 hex digits")
      for (const path of ["/inbox/parked?limit=0", "/inbox/parked?after=x", "/inbox/parked?peer=x"])
        problem(yield* ask("GET", path), 400, "BadRequest")
      problem(yield* ask("POST", "/inbox/parked/x/retry"), 400, "BadRequest")
      for (const path of ["/outbox?limit=0", `/inbox?limit=${maxPage + 1}`, "/inbox?after=x", "/outbox?peer=x"])
        problem(yield* ask("GET", path), 400, "BadRequest")
      problem(yield* ask("GET", "/peers/x/transitions"), 400, "BadRequest")
      problem(yield* ask("DELETE", "/outbox/x"), 400, "BadRequest")
      problem(yield* ask("GET", "/events?after=x"), 400, "BadRequest")
      problem(yield* ask("GET", "/events", undefined, { "last-event-id": "x" }), 400, "BadRequest")
      problem(yield* ask("GET", "/nothing"), 404, "NotFound")
      problem(yield* ask("POST", "/"), 404, "NotFound")
      const large = yield* ask("POST", "/messages", JSON.stringify({ peer: stranger, text: "x".repeat(1024 * 1024) }))
      problem(large, 413, "TooLarge")
      // And goes on.
      result(Healthy, yield* ask("GET", "/health"))
    })
  )

  it.effect("will not connect the node to itself, nor send to itself, nor forget whom it does not know", () =>
    Effect.gen(function* () {
      const { address, key } = yield* Node
      problem(yield* ask("POST", "/peers", JSON.stringify({ address: String(address) })), 422, "Refused")
      problem(yield* ask("POST", "/messages", JSON.stringify({ peer: key, text: "x" })), 422, "Refused")
      problem(yield* ask("DELETE", `/peers/${"cd".repeat(32)}`), 404, "NotFound")
      const unknown = "00000000-0000-7000-8000-000000000000"
      problem(yield* ask("POST", `/outbox/${unknown}/retry`), 404, "NotFound")
      problem(yield* ask("DELETE", `/outbox/${unknown}`), 404, "NotFound")
    })
  )

  it.effect("owes what is sent to a peer that is away, says why, and takes it back", () =>
    Effect.gen(function* () {
      const send = (text: string) => ask("POST", "/messages", JSON.stringify({ peer: stranger, text }))
      const first = result(Accepted, yield* send("one"))
      const second = result(Accepted, yield* send("two"))
      const page = result(OwedPage, yield* ask("GET", `/outbox?peer=${stranger}&limit=1`))
      assert.deepStrictEqual(
        page.items.map(({ id }) => id),
        [first.id]
      )
      assert.deepInclude(page.items[0], { peer: stranger, protocol: "note", attempts: 0 })
      assert.include(page.items[0]?.why, "not connected")
      const rest = result(OwedPage, yield* ask("GET", `/outbox?peer=${stranger}&after=${page.next}`))
      assert.deepStrictEqual(
        rest.items.map(({ id }) => id),
        [second.id]
      )
      assert.isUndefined(rest.next)

      // It waits for its peer, not for its time.
      assert.include(problem(yield* ask("POST", `/outbox/${first.id}/retry`), 404, "NotFound").see, "GET /outbox")
      for (const { id } of [first, second]) {
        const dropped = yield* ask("DELETE", `/outbox/${id}`)
        assert.deepStrictEqual(JSON.parse(dropped.body), { result: "cancelled" })
        problem(yield* ask("DELETE", `/outbox/${id}`), 404, "NotFound")
      }
      assert.deepStrictEqual(result(OwedPage, yield* ask("GET", "/outbox")).items, [])
      assert.deepStrictEqual(result(InboxPage, yield* ask("GET", "/inbox")).items, [])
    })
  )

  it.effect("shows the messages that were parked, runs the handler of one once more, and forgets one", () =>
    Effect.gen(function* () {
      const store = yield* RetryStore
      const page = Effect.map(ask("GET", "/inbox/parked"), (answer) => result(ParkedPage, answer))
      assert.deepStrictEqual(yield* page, { items: [] })
      const ids = [1, 2, 3].map((n) => `00000000-0000-7000-8000-00000000000${n}`)
      const [good = "", lost = "", twice = ""] = ids
      const { body } = NoteProtocol.Note.prepare({ text: "late" })
      const park = (peer: NodeKey, id: string, protocol = "note") =>
        Effect.andThen(store.claim(peer), store.park(peer, { id, protocol, subject: "", body }, "it broke\n at x", 7))
      const other = NodeKey.make("ef".repeat(32))
      yield* park(stranger, good)
      yield* park(stranger, lost, "gone")
      yield* park(stranger, twice)
      yield* park(other, twice)
      const first = result(ParkedPage, yield* ask("GET", "/inbox/parked?limit=1"))
      assert.deepInclude(first.items[0], { id: good, peer: stranger, protocol: "note", parkedAt: 7 })
      const rest = result(ParkedPage, yield* ask("GET", `/inbox/parked?after=${first.next}`))
      assert.deepStrictEqual(
        rest.items.map(({ id }) => id),
        [lost, twice, twice]
      )
      assert.lengthOf(result(ParkedPage, yield* ask("GET", `/inbox/parked?peer=${other}`)).items, 1)

      const retry = (id: string, peer = "") => ask("POST", `/inbox/parked/${id}/retry${peer}`)
      assert.deepStrictEqual(result(Retried, yield* retry(good)), { result: "handled" })
      const { items } = result(InboxPage, yield* ask("GET", `/inbox?peer=${stranger}`))
      assert.deepStrictEqual(
        items.map(({ id, text }) => [id, text]),
        [[good, "late"]]
      )
      assert.strictEqual(problem(yield* retry(good), 404, "NotFound").see, "GET /inbox/parked")
      assert.include(problem(yield* retry(lost), 422, "Refused").message, 'does not run "gone"')
      assert.include(problem(yield* retry(twice), 422, "Refused").fix, "peer")
      problem(yield* ask("DELETE", `/inbox/parked/${twice}`), 422, "Refused")
      const drop = (id: string, peer: string) => ask("DELETE", `/inbox/parked/${id}?peer=${peer}`)
      for (const [id, peer] of [
        [twice, other],
        [twice, stranger],
        [lost, stranger]
      ] as const) {
        assert.deepStrictEqual(result(ParkedDropped, yield* drop(id, peer)), { id, peer })
        problem(yield* drop(id, peer), 404, "NotFound")
      }
      assert.deepStrictEqual(yield* page, { items: [] })
    })
  )

  it.effect("audits its database, says where it is, and what was found with what to do", () =>
    Effect.gen(function* () {
      const audit = Effect.map(ask("GET", "/audit"), ({ body }) =>
        body
          .split("\n\n")
          .filter((block) => block.startsWith("data: "))
          .map((block) => Schema.decodeUnknownSync(Schema.fromJsonString(AuditItem))(block.slice(6)))
      )
      const items = yield* audit
      const checking = items.filter((item) => item._tag === "Checking")
      const last = items.at(-1)
      assert.deepStrictEqual(last, { _tag: "Report", checks: checking.length, findings: [], more: false })
      const store = yield* RetryStore
      const id = "00000000-0000-7000-8000-00000000000a"
      yield* store.park(stranger, { id, protocol: "note", subject: "", body: new Uint8Array() }, "it broke", 7)
      const [finding] = (yield* audit).flatMap((item) => (item._tag === "Report" ? item.findings : []))
      assert.deepInclude(finding, { kind: "message-parked", about: `message ${id}` })
      assert.include(finding?.fix, `holdfast inbox retry ${id}`)
      assert.strictEqual((yield* ask("DELETE", `/inbox/parked/${id}`)).status, 200)
    })
  )

  it.effect("dials a peer that it is told to connect to, shows how that goes, and stops when told", () =>
    Effect.gen(function* () {
      const key = "ef".repeat(32)
      const connect = yield* ask("POST", "/peers", JSON.stringify({ address: `holdfast://${key}@127.0.0.1:1` }))
      assert.deepStrictEqual(JSON.parse(connect.body), { key })
      const find = Effect.map(ask("GET", "/peers"), (answer) =>
        result(Schema.Array(PeerView), answer).find((peer) => peer.key === key)
      )
      const dialling = yield* find
      assert.deepInclude(dialling, { state: "dialling", wanted: true, endpoint: "127.0.0.1:1" })
      assert.deepStrictEqual(dialling?.dialling?.reasons, ["asked"])
      assert.strictEqual((yield* ask("DELETE", `/peers/${key}`)).status, 200)
      assert.deepInclude(yield* find, { state: "known", wanted: false })
    })
  )

  it.effect("keeps out whom it is told to, for as long as it is told to, and lets them in again", () =>
    Effect.gen(function* () {
      const { key } = yield* Node
      const list = Effect.map(ask("GET", "/bans"), (answer) => result(Schema.Array(BanView), answer))
      const ban = (body: object) => ask("POST", "/bans", JSON.stringify(body))
      const subjects = Effect.map(list, (bans) => bans.map(({ subject }) => String(subject)))
      assert.deepStrictEqual(yield* list, [])
      const peer = result(BanView, yield* ban({ subject: stranger.toUpperCase(), reason: "spam", forMillis: 60_000 }))
      assert.deepInclude(peer, { about: "peer", by: "operator", reason: "spam" })
      assert.strictEqual(peer.until, peer.since + 60_000)
      const host = result(BanView, yield* ban({ subject: "2001:db8::7" }))
      assert.strictEqual(host.about, "host")
      assert.isUndefined(host.until)
      result(BanView, yield* ban({ subject: "::ffff:10.0.0.1" }))
      assert.sameMembers(yield* subjects, ["10.0.0.1", "2001:db8:0:0::/64", stranger])

      const wrong = [{}, { subject: "" }, { subject: "10.0.0.0/8" }, { subject: stranger.slice(1) }]
      const odd = [{ forMillis: 0 }, { forMillis: 1.5 }, { reason: "a\nb" }, { reason: "x".repeat(201) }]
      for (const body of [...wrong, ...odd.map((fields) => ({ subject: stranger, ...fields }))])
        problem(yield* ban(body), 400, "BadRequest")
      assert.include(problem(yield* ban({ subject: "x" }), 400, "BadRequest").message, "IP address")
      assert.include(problem(yield* ban({ subject: key }), 422, "Refused").message, "this node itself")

      for (const path of [stranger, encodeURIComponent("2001:db8:0:0::/64"), "10.0.0.1"]) {
        result(Lifted, yield* ask("DELETE", `/bans/${path}`))
        problem(yield* ask("DELETE", `/bans/${path}`), 404, "NotFound")
      }
      problem(yield* ask("DELETE", "/bans/x"), 400, "BadRequest")
      assert.deepStrictEqual(yield* list, [])
    })
  )

  it.effect("streams the events after the last one that a reader saw, each once, in order", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      const event = (n: number) => ({ audience: "", protocol: "", subject: "", kind: "test", body: { n } })
      yield* feed.append([1, 2, 3].map(event))
      const all = events(yield* ask("GET", "/events?follow=false"))
      const tests = all.filter((item) => item._tag === "Event" && item.kind === "test")
      assert.lengthOf(tests, 3)
      const cursor = tests[0]?.cursor ?? ""
      const numbers = (items: ReadonlyArray<EventView>) => items.map((item) => item._tag === "Event" && item.body)
      assert.deepStrictEqual(numbers(events(yield* ask("GET", `/events?follow=false&after=${cursor}`))), [
        { n: 2 },
        { n: 3 }
      ])
      // What the browser sends by itself when it comes back counts more than the address it began with.
      const headers = { "last-event-id": tests[1]?.cursor ?? "" }
      const resumed = yield* ask("GET", `/events?follow=false&after=${cursor}`, undefined, headers)
      assert.deepStrictEqual(numbers(events(resumed)), [{ n: 3 }])
      assert.deepStrictEqual(events(yield* ask("GET", "/events?follow=false&after=now")), [
        { _tag: "Now", cursor: tests[2]?.cursor ?? "" }
      ])
      const elsewhere = `00000000-0000-4000-8000-000000000000:${1}`
      const [reset] = events(yield* ask("GET", `/events?follow=false&after=${elsewhere}`))
      assert.strictEqual(reset?._tag, "Reset")
    })
  )

  it.effect("goes on telling what happens until the reader leaves", () =>
    Effect.gen(function* () {
      const feed = yield* Feed
      const { url } = yield* ApiServer
      const run = Effect.runForkWith(yield* Effect.context())
      const authorization = token ?? ""
      const heard = yield* Effect.callback<string>((resume) => {
        const request = http.get(`${url}/events?after=now`, { headers: { authorization } }, (response) => {
          let text = ""
          response.setEncoding("utf8").on("data", (chunk: string) => {
            // The first chunk says that the stream is open: what is appended from now on is in it.
            if (text === "") {
              const event = { audience: "", protocol: "", subject: "", kind: "live", body: null }
              run(feed.append([event]))
            }
            text += chunk
            if (text.includes('"live"')) resume(Effect.succeed(text))
          })
        })
        return Effect.sync(() => request.destroy())
      })
      assert.match(heard, /^id: \S+:\d+$/m)
    })
  )
})
