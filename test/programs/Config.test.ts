import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, type PlatformError, Redacted } from "effect"
import { type Config, ConfigInvalid, load, type Sources } from "../../src/programs/Config.ts"
import { keys, settings } from "../../src/programs/Settings.ts"
import { distance, nearest } from "../../src/programs/Suggestion.ts"

const key = "ab".repeat(32)
const nowhere = "/nonexistent/holdfast"

const read = (sources: Partial<Sources>) => load({ flags: {}, data: nowhere, env: {}, ...sources })

const problems = (sources: Partial<Sources>) =>
  read(sources).pipe(
    Effect.flip,
    Effect.orDie,
    Effect.map((error) => {
      assert.instanceOf(error, ConfigInvalid)
      return error.problems
    })
  )

/** Runs with `holdfast.json` of this content in a folder. */
const withFile = <A, E>(content: string, use: (folder: string) => Effect.Effect<A, E, FileSystem.FileSystem>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-config-" })
    yield* fs.writeFileString(`${folder}/holdfast.json`, content)
    return yield* use(folder)
  }).pipe(Effect.scoped)

const test = (
  name: string,
  body: Effect.Effect<void, ConfigInvalid | PlatformError.PlatformError, FileSystem.FileSystem>
) => it.effect(name, () => Effect.provide(body, NodeServices.layer))

describe("the configuration", () => {
  test(
    "has a default for every setting that must have a value",
    Effect.gen(function* () {
      const config = yield* read({})
      assert.deepInclude(config, {
        data: nowhere,
        network: "main",
        heartbeat: "default",
        peers: [],
        databaseUrl: undefined,
        dialTimeout: 10_000,
        sendQueue: 1_048_576,
        redialFirst: 1_000,
        redialLongest: 60_000,
        admission: "authenticated",
        peersPerHost: 8,
        reservedSessions: undefined,
        evictionGrace: 60_000,
        controlRate: 10,
        gossipRate: 1_000,
        logLevel: "info",
        api: { host: "127.0.0.1", port: 0 }
      } satisfies Partial<Config>)
    })
  )

  test(
    "takes a flag before the environment, and the environment before the file",
    withFile('{ "network": "file", "maxDials": 3, "heartbeat": "relaxed" }', (data) =>
      Effect.gen(function* () {
        const env = { HOLDFAST_NETWORK: "variable", HOLDFAST_MAX_DIALS: "4" }
        const config = yield* load({ flags: { network: "flag" }, data, env })
        assert.deepInclude(config, { network: "flag", maxDials: 4, heartbeat: "relaxed" })
      })
    )
  )

  test(
    "reads units, lists and secrets",
    Effect.gen(function* () {
      const peers = `holdfast://${key}@10.0.0.1:4001, holdfast://${key}@[::1]:4002`
      const env = { HOLDFAST_PEERS: peers, DATABASE_URL: "postgres://me:word@db/x", HOLDFAST_DIAL_TIMEOUT: "1.5s" }
      const config = yield* read({ env, flags: { sendQueue: "2 MiB", redialLongest: "10m", listen: "[::1]:0" } })
      assert.deepStrictEqual(config.peers.map(String), [
        `holdfast://${key}@10.0.0.1:4001`,
        `holdfast://${key}@[::1]:4002`
      ])
      assert.deepInclude(config, {
        dialTimeout: 1_500,
        sendQueue: 2_097_152,
        redialLongest: 600_000,
        listen: { host: "::1", port: 0 }
      })
      assert.strictEqual(config.databaseUrl && Redacted.value(config.databaseUrl), "postgres://me:word@db/x")
    })
  )

  test(
    "reports everything that is wrong at once",
    withFile('{ "hartbeat": "fast", "maxDials": 0 }', (data) =>
      Effect.map(problems({ data, flags: { heartbeat: "slow" } }), (found) => assert.lengthOf(found, 3))
    )
  )
})

describe("the settings of a collector", () => {
  test(
    "are its URL without a slash at the end, and its headers",
    Effect.gen(function* () {
      const env = {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/",
        HOLDFAST_OTLP_HEADERS: "Authorization=Bearer a=b, x-tenant=one"
      }
      const config = yield* read({ env })
      assert.strictEqual(config.otlpUrl, "http://collector:4318")
      assert.deepStrictEqual(
        config.otlpHeaders.map(({ name, value }) => [name, Redacted.value(value)]),
        [
          ["authorization", "Bearer a=b"],
          ["x-tenant", "one"]
        ]
      )
      assert.isUndefined((yield* read({})).otlpUrl)
    })
  )
})

describe("an error in the configuration names the key, the value, where it is and what to write", () => {
  const cases: ReadonlyArray<readonly [name: string, sources: Partial<Sources>, parts: ReadonlyArray<string>]> = [
    ["a flag", { flags: { heartbeat: "slow" } }, ["--heartbeat", '"slow"', "default, fast, relaxed"]],
    [
      "a variable",
      { env: { HOLDFAST_MAX_DIALS: "many" } },
      ["HOLDFAST_MAX_DIALS", '"many"', "whole number from 1 to 256"]
    ],
    ["a number too large", { flags: { maxSessions: "65537" } }, ["--max-sessions", '"65537"', "1 to 65536"]],
    ["a negative number", { flags: { maxSessions: "-1" } }, ["--max-sessions", '"-1"']],
    ["a duration too long", { flags: { writeTimeout: "11m" } }, ["--write-timeout", '"11m"', "100ms to 10m"]],
    ["a duration without a unit", { flags: { writeTimeout: "10" } }, ["--write-timeout", "with its unit", "10s"]],
    ["a size too small", { flags: { sendQueue: "1KiB" } }, ["--send-queue", '"1KiB"', "64KiB to 64MiB"]],
    ["a port too large", { flags: { listen: "127.0.0.1:65536" } }, ["--listen", "0 to 65535"]],
    ["a place without a port", { flags: { api: "localhost" } }, ["--api", '"localhost"', "host:port"]],
    ["an address without a key", { env: { HOLDFAST_PEERS: "holdfast://x@h:1" } }, ["HOLDFAST_PEERS", "64 hex digits"]],
    ["port 0 to be dialled", { flags: { advertise: "h:0" } }, ["--advertise", "1 to 65535"]],
    ["a name too long", { flags: { network: "x".repeat(65) } }, ["--network", "1 to 64 characters"]],
    [
      "neither true nor false",
      { env: { HOLDFAST_ALLOW_DATA_LOSS: "maybe" } },
      ["HOLDFAST_ALLOW_DATA_LOSS", "true or false"]
    ],
    ["a collector that is no URL", { flags: { otlpUrl: "127.0.0.1:4318" } }, ["--otlp-url", "http or https URL"]],
    ["a collector with a password", { flags: { otlpUrl: "http://a:b@h:4318" } }, ["--otlp-url", "http or https URL"]],
    ["a misspelt variable", { env: { HOLDFAST_HARTBEAT: "x" } }, ["HOLDFAST_HARTBEAT", "HOLDFAST_HEARTBEAT"]],
    ["a file that is not there", { config: "/nonexistent/x.json" }, ["/nonexistent/x.json", "--config"]],
    ["no such admission", { flags: { admission: "open" } }, ["--admission", "machine, authenticated, endpoint"]],
    ["no peers of a host", { flags: { peersPerHost: "0" } }, ["--peers-per-host", "1 to 65536"]],
    ["a rate too low for pings", { flags: { controlRate: "4" } }, ["--control-rate", "5 to 1000"]],
    ["a rate too high for gossip", { flags: { gossipRate: "100001" } }, ["--gossip-rate", "10 to 100000"]],
    ["a grace longer than a day", { flags: { evictionGrace: "25h" } }, ["--eviction-grace", "1s to 1d"]],
    [
      "more kept than there are",
      { flags: { maxSessions: "4", reservedSessions: "5" } },
      ["reservedSessions is 5", "4"]
    ],
    ["a first wait above the longest", { flags: { redialFirst: "2m" } }, ["redialFirst", "120000ms", "redialLongest"]]
  ]
  for (const [name, sources, parts] of cases)
    test(
      name,
      Effect.map(problems(sources), ([problem]) => {
        for (const part of parts) assert.include(problem, part)
      })
    )

  const inFile: ReadonlyArray<readonly [name: string, content: string, parts: ReadonlyArray<string>]> = [
    ["a misspelt key", '{ "writeTimout": "1s" }', ['"writeTimout"', 'did you mean "writeTimeout"?']],
    ["a key like nothing", '{ "xyzzy": 1 }', ['"xyzzy"', "the settings are listen,"]],
    ["a value of the wrong kind", '{ "maxDials": { "n": 1 } }', ["maxDials", '{"n":1}', "a number"]],
    ["a list where there is one value", '{ "network": ["a", "b"] }', ["network", '["a","b"]', "one value"]],
    ["a list of numbers", '{ "peers": [1] }', ["peers", "[1]"]],
    ["text that is not JSON", "{ network", ["not a JSON object"]],
    ["JSON that is not an object", "[]", ["not a JSON object"]]
  ]
  for (const [name, content, parts] of inFile)
    test(
      `${name} in the file`,
      withFile(content, (data) =>
        Effect.map(problems({ data }), ([problem]) => {
          for (const part of [...parts, `${data}/holdfast.json`]) assert.include(problem, part)
        })
      )
    )

  test(
    "but never shows a secret",
    Effect.gen(function* () {
      // Through the one way in which a secret can be wrong: two of them.
      const [problem] = yield* problems({
        flags: { databaseUrl: ["postgres://a:hidden@h/x", "postgres://b:hidden@h/x"] }
      })
      assert.include(problem, "--database-url")
      assert.notInclude(problem, "hidden")
      const [header] = yield* problems({ env: { HOLDFAST_OTLP_HEADERS: "hidden" } })
      assert.include(header, "name=value")
      assert.notInclude(header, "hidden")
    })
  )
})

describe("the settings", () => {
  it("have flags and variables that are all different", () => {
    const flags = keys.map((key) => settings[key].flag)
    const variables = keys.flatMap((key) => [...settings[key].env])
    assert.strictEqual(new Set(flags).size, flags.length)
    assert.strictEqual(new Set(variables).size, variables.length)
  })
})

describe("a suggestion", () => {
  it("counts insertions, deletions, replacements and swaps", () => {
    assert.strictEqual(distance("", "abc"), 3)
    assert.strictEqual(distance("abc", "abc"), 0)
    assert.strictEqual(distance("abc", "acb"), 1)
    assert.strictEqual(distance("heartbeat", "hartbeat"), 1)
    assert.strictEqual(distance("kitten", "sitting"), 3)
  })
  it("is the nearest name, and nothing where nothing is near", () => {
    assert.strictEqual(nearest("write_timeot", ["dialTimeout", "writeTimeout"]), "writeTimeout")
    assert.isUndefined(nearest("xyzzy", ["dialTimeout", "api"]))
  })
})
