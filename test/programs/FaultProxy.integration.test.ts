/**
 * The proxy as its users run it: a process between others.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll } from "vitest"
import { Endpoint } from "../../src/protocol/Address.ts"
import type { FaultPlan } from "../../src/testing/faults/FaultPlan.ts"
import { dial, listen, roundTrip } from "../support/LoopbackEnds.ts"
import { planOf } from "../support/ProxiedPair.ts"
import { HoldfastProcess, temporaryFolder } from "./HoldfastProcess.ts"

const folder = await temporaryFolder()
const running: Array<HoldfastProcess> = []

afterAll(async () => {
  await Promise.all(running.map((process) => process.stop()))
  await folder.remove()
})

const launch = (...args: ReadonlyArray<string>): HoldfastProcess => {
  const launched = new HoldfastProcess(args, {}, "fault-proxy")
  running.push(launched)
  return launched
}

/** Runs it to an end of its own. */
const ending = (...args: ReadonlyArray<string>) => launch(...args).ended

const fileOf = async (name: string, plan: FaultPlan | object | string): Promise<string> => {
  const file = join(folder.path, name)
  await writeFile(file, typeof plan === "string" ? plan : JSON.stringify(plan))
  return file
}

const Ready = Schema.fromJsonString(
  Schema.Struct({
    seed: Schema.Int,
    faults: Schema.Int,
    routes: Schema.Array(Schema.Struct({ from: Schema.String, to: Schema.String, dial: Schema.String })),
    ignored: Schema.Array(Schema.Struct({ index: Schema.Int }))
  })
)
const Over = Schema.fromJsonString(Schema.Struct({ index: Schema.Int, touched: Schema.Int, at: Schema.Int }))
const Stopped = Schema.fromJsonString(
  Schema.Struct({
    traffic: Schema.Struct({ forwarded: Schema.Int, bytes: Schema.Int }),
    notFelt: Schema.Array(Schema.Struct({ index: Schema.Int }))
  })
)
const readyIn = Schema.decodeUnknownSync(Ready)
const overIn = Schema.decodeUnknownSync(Over)
const stoppedIn = Schema.decodeUnknownSync(Stopped)

const dialling = (at: string) => dial(new Endpoint({ host: "127.0.0.1", port: Number(at.split(":")[1]) }))

const slow = { floor: 300, mean: 0, tailShare: 0, tail: 1 }
const plan = planOf(
  [
    { when: { at: 0 }, fault: { _tag: "Slow", from: "a", to: "b", for: 9_000, latency: slow } },
    { when: { at: 0 }, fault: { _tag: "Silence", from: "a", to: "c" } },
    { when: { at: 1 }, fault: { _tag: "Pause", node: "a", for: 1 } }
  ],
  { duration: 10_000 }
)

describe("the fault proxy as a program", () => {
  it.live("disturbs real connections from the first one on, says so line by line, and stops when told", () =>
    Effect.gen(function* () {
      const target = yield* listen
      const route = `a>b=${target.endpoint}`
      const file = yield* Effect.promise(() => fileOf("plan.json", plan))
      const args = ["--plan", file, "--seed", "7", "--route", route, "--route", `a>c=${target.endpoint}`]
      const proxy = launch(...args, "--on-dial", "--ignore-unsupported", "--json")
      const line = (text: string) => Effect.promise(() => proxy.line(text))

      const ready = readyIn(yield* line('"ready"'))
      assert.deepInclude(ready, { seed: 7, faults: 2, ignored: [{ index: 2 }] })
      const begun = yield* dialling(ready.routes[0]!.dial)
      yield* line('"fault"')
      const answerer = yield* target.accept
      const start = performance.now()
      yield* roundTrip(begun, answerer, "hello")
      assert.isAtLeast(performance.now() - start, 2 * 298)
      assert.deepInclude(overIn(yield* line('"touched":2')), { index: 0 })
      yield* line('"done"')
      yield* roundTrip(begun, answerer, "still forwarding")

      proxy.signal("SIGTERM")
      const end = yield* Effect.promise(() => proxy.ended)
      assert.strictEqual(end.code, 0, end.stderr)
      const stopped = stoppedIn(end.stdout.trim().split("\n").at(-1))
      assert.deepStrictEqual(stopped, {
        traffic: { forwarded: 1, bytes: 2 * "hellostill forwarding".length },
        notFelt: [{ index: 1 }]
      })
    })
  )

  it.live("tells people where to dial, and ends in good order in the midst of its plan", () =>
    Effect.gen(function* () {
      const target = yield* listen
      const file = yield* Effect.promise(() => fileOf("long.json", { ...plan, faults: plan.faults.slice(0, 1) }))
      const proxy = launch("--plan", file, "--route", `a>b=${target.endpoint}`)
      yield* Effect.promise(() => proxy.line("begins  300 ms to 300 ms slower between a and b for 9 s"))
      proxy.signal("SIGINT")
      const { code, stderr, stdout } = yield* Effect.promise(() => proxy.ended)
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, /^ROUTE +DIAL +FORWARDED TO$/m)
      assert.match(stdout, new RegExp(`^a>b +127\\.0\\.0\\.1:\\d+ +${target.endpoint}$`, "m"))
      assert.match(stdout, /^1 fault in 10 s, seed 0$/m)
      assert.match(stdout, /over +300 ms to 300 ms slower between a and b for 9 s: nothing felt it/)
      assert.include(stdout, "Stopped: 0 connections forwarded, 0 turned away")
      assert.include(stdout, "nothing felt faults[0]")
    })
  )

  it("says what is wrong with its arguments and what to do, each in a sentence", async () => {
    const good = await fileOf("good.json", plan)
    const route = "a>b=127.0.0.1:1"
    const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
      [["--route", route], "--plan is missing: give fault-proxy --plan <value>"],
      [["--plan", good, "--route", route, "--max-connections", "0"], '"0": give a value between 1 and 10000'],
      [["--plan", good, "--route", route, "--max-connections", "-1k"], '"-1k": give a whole number'],
      [["--plan", good, "--route", route, "--seed", ""], '--seed is "": give a whole number'],
      [["--plan", good, "--route", "a-b"], '"a-b" is not a route'],
      [["--plan", good, "--route", route, "--route", route], "there is one between these two already"],
      [
        ["--plan", await fileOf("no.json", "{"), "--route", route],
        "no.json: it is not a JSON object. Name a JSON file"
      ],
      [["--plan", await fileOf("v2.json", { ...plan, version: 2 }), "--route", route], "v2.json: version: "],
      [["--plan", good, "--route", "a>b=127.0.0.1:1", "--route", "a>c=127.0.0.1:1"], "faults[2], at 1 ms: pause a"]
    ]
    for (const [args, said] of wrong) {
      const end = await ending(...args)
      assert.include(end.stderr, said)
      assert.strictEqual(end.code, 2, end.stderr)
      assert.strictEqual(end.stdout, "")
    }
  })

  it.live("says that a port of its own is taken, with a code of its own", () =>
    Effect.gen(function* () {
      const taken = yield* listen
      const file = yield* Effect.promise(() => fileOf("taken.json", planOf([])))
      const route = `a>b=${taken.endpoint.port}:127.0.0.1:1`
      const end = yield* Effect.promise(() => ending("--plan", file, "--route", route, "--json"))
      assert.strictEqual(end.code, 5)
      assert.include(end.stderr, '"error":"ListenFailed"')
      assert.include(end.stderr, `cannot listen at ${taken.endpoint}: another program uses this port`)
    })
  )
})
