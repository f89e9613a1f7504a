import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { EventEmitter } from "node:events"
import * as EventLine from "../../../src/programs/bitcoin/EventLine.ts"
import { FullScreen } from "../../../src/programs/bitcoin/FullScreen.ts"
import * as Keys from "../../../src/programs/bitcoin/Keys.ts"
import * as Known from "../../../src/programs/bitcoin/Known.ts"
import type { PeerView } from "../../../src/programs/bitcoin/PeerView.ts"
import * as View from "../../../src/programs/bitcoin/View.ts"
import { Watching } from "../../../src/programs/bitcoin/Watching.ts"
import { Endpoint } from "../../../src/protocol/Address.ts"
import type { PeerEvent } from "../../../src/services/bitcoin/PeerEvent.ts"

const start = Date.parse("2026-01-02T03:04:05Z")
const peer = (id: number, more: Partial<PeerView> = {}): PeerView => ({
  id,
  remote: `10.0.0.${id}:8333`,
  direction: "outbound",
  state: "Connected",
  agent: "/Bitcoin SV:1.2.2/",
  version: 70_016,
  services: "0x21",
  height: 900_000,
  rttMillis: 12.34,
  bytesIn: 2_048,
  bytesOut: 100,
  ...more
})
const model: View.Model = {
  network: "bsv-main",
  startedAt: start,
  listening: undefined,
  peers: [peer(1), peer(2, { state: "Connecting" })],
  tip: { _tag: "Tip", network: "bsv-main", height: 450_000, id: "00ab".repeat(16), time: start / 1_000 - 3_600 },
  progress: { height: 450_000, goal: 900_000, percent: 50, rate: 5_000, leftSeconds: 90, peers: 1 },
  isAsking: true,
  events: [{ at: start + 1_000, text: "10.0.0.1:8333 is connected" }]
}
const size = { columns: 100, rows: 24 }
const many = Array.from({ length: 300 }, (_, at) => ({ at: start + at, text: `event ${at}` }))

describe("the page", () => {
  it("shows how far the headers are, the peers, and what has happened", () => {
    assert.deepStrictEqual(View.page(model, start + 61_000, size), [
      "Holdfast on bsv-main  00:01:01  1 peer, 1 under way",
      "headers 450000 of 900000 (50.0%), 5000 a second, 1m 30s left, 1 peer",
      `[${"#".repeat(29)}${".".repeat(29)}]`,
      "",
      "REMOTE         DIRECTION  STATE       AGENT               VERSION  HEIGHT  RTT     IN      OUT",
      "10.0.0.1:8333  outbound   Connected   /Bitcoin SV:1.2.2/  70016    900000  12.3ms  2.0KiB  100B",
      "10.0.0.2:8333  outbound   Connecting  /Bitcoin SV:1.2.2/  70016    900000  12.3ms  2.0KiB  100B",
      "",
      "03:04:06Z  10.0.0.1:8333 is connected",
      "",
      "q ends it"
    ])
  })

  it("shows the tip once there is nothing to fetch", () => {
    const progress = { height: 450_000, goal: 450_000, percent: 100, rate: 0, peers: 1 }
    const [, second, third] = View.page({ ...model, progress, isAsking: false }, start, { columns: 160, rows: 24 })
    assert.strictEqual(second, `tip 450000  ${"00ab".repeat(16)}  2026-01-02 02:04:05Z (1h ago)`)
    assert.strictEqual(third, "")
  })

  it("fits every terminal, whatever there is to show", () => {
    const peers = Array.from({ length: 60 }, (_, id) => peer(id, { agent: "x".repeat(256) }))
    for (const events of [[], many])
      for (let rows = 1; rows < 60; rows += 3)
        for (let columns = 1; columns < 200; columns += 13) {
          const lines = View.page({ ...model, peers, events }, start, { columns, rows })
          assert.isAtMost(lines.length, rows)
          for (const line of lines) assert.isBelow(line.length, Math.max(2, columns))
        }
  })

  it("shows the newest events, and says how many peers it leaves out", () => {
    const peers = Array.from({ length: 60 }, (_, id) => peer(id))
    const text = View.page({ ...model, peers, events: many }, start, size).join("\n")
    assert.include(text, "event 299")
    assert.notInclude(text, "event 100\n")
    assert.match(text, /and \d+ more/)
  })

  it("has a bar that is never too long", () => {
    assert.strictEqual(View.bar(50, 12), "[#####.....]")
    assert.strictEqual(View.bar(500, 12), `[${"#".repeat(10)}]`)
    assert.strictEqual(View.bar(-5, 4), "[..]")
    assert.strictEqual(View.clock(3_723_999), "01:02:03")
  })
})

describe("a full screen", () => {
  const opened = () => {
    const writes: Array<string> = []
    return { writes, screen: new FullScreen({ columns: 0, rows: 0, write: (text) => writes.push(text) }) }
  }

  it("writes a page at once, and not again while it is the same", () => {
    const { screen, writes } = opened()
    for (const line of ["a", "a", "b"]) screen.draw([line, "second"])
    assert.strictEqual(writes.length, 2)
    assert.strictEqual(
      writes[0],
      "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[?2026h\u001b[Ha\u001b[K\r\nsecond\u001b[K\u001b[J\u001b[?2026l"
    )
    assert.notInclude(writes.join(""), "\u001b[2J")
    assert.notInclude(writes[1], "1049")
    assert.deepStrictEqual(screen.size, { columns: 80, rows: 24 })
  })

  it("gives the terminal back once, and only if it took it", () => {
    const { screen, writes } = opened()
    screen.close()
    screen.draw(["a"])
    screen.close()
    screen.close()
    assert.deepStrictEqual(writes.slice(1), ["\u001b[?7h\u001b[?25h\u001b[?1049l"])
  })
})

class Keyboard extends EventEmitter {
  readonly isTTY = true
  readonly said: Array<string> = []
  setRawMode(isRaw: boolean): void {
    this.said.push(isRaw ? "raw" : "cooked")
  }
  resume(): void {
    this.said.push("on")
  }
  pause(): void {
    this.said.push("off")
  }
}

describe("keys", () => {
  for (const [name, byte] of [
    ["q", 0x71],
    ["Ctrl-C", 0x03]
  ] as const)
    it.effect(`end it with ${name}, and with no other, and the terminal is as it was`, () =>
      Effect.gen(function* () {
        const keyboard = new Keyboard()
        const fiber = yield* Effect.forkChild(Keys.untilEnd(keyboard), { startImmediately: true })
        keyboard.emit("data", new Uint8Array([0x61, 0x1b, 0x5b]))
        assert.isUndefined(fiber.pollUnsafe())
        keyboard.emit("data", new Uint8Array([0x61, byte]))
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(keyboard.said, ["raw", "on", "cooked", "off"])
        assert.strictEqual(keyboard.listenerCount("data"), 0)
      })
    )

  it.effect("give the terminal back when it is interrupted", () =>
    Effect.gen(function* () {
      const keyboard = new Keyboard()
      const fiber = yield* Effect.forkChild(Keys.untilEnd(keyboard), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(keyboard.said, ["raw", "on", "cooked", "off"])
    })
  )
})

const about = { id: 1, remote: "10.0.0.1:8333", kind: "Outbound" } as const
const events: ReadonlyArray<readonly [PeerEvent, string]> = [
  [{ _tag: "Changed", ...about, from: "Disconnected", to: "Connecting" }, "10.0.0.1:8333 is dialled"],
  [
    { _tag: "Changed", ...about, from: "Connecting", to: "Failed", detail: "refused" },
    "10.0.0.1:8333 cannot be reached: refused"
  ],
  [{ _tag: "Changed", ...about, from: "Connected", to: "Failed" }, "10.0.0.1:8333 is lost"],
  [
    { _tag: "Changed", ...about, kind: "Inbound", from: "Disconnected", to: "AwaitingHandshake" },
    "10.0.0.1:8333 has come in"
  ],
  [{ _tag: "Restarting", remote: "10.0.0.1:1", waitMillis: 5_000 }, "10.0.0.1:1 is dialled again in 5s"],
  [
    { _tag: "Tip", height: 7, id: "ab", time: 1, left: 2, joined: 3 },
    "new tip 7, 3 more, 2 left for a better branch: ab"
  ],
  [{ _tag: "Banned", remote: "10.0.0.1:1", reason: "network" }, "10.0.0.1:1 is banned: network"],
  [
    { _tag: "Rejected", ...about, command: "version", code: 0x11, reason: "a\u001b[2Jb\nc" },
    "10.0.0.1:8333 has refused version (0x11): ab c"
  ]
]

describe("what happens", () => {
  for (const [event, text] of events)
    it(`is "${text}"`, () => {
      assert.strictEqual(EventLine.text(event), text)
    })

  it("is kept up to a limit, and pages of headers as one", () => {
    const watching = new Watching(start)
    const tip = (height: number, joined: number) =>
      watching.note({ at: start, _tag: "Tip", height, id: "ab", time: 1, left: 0, joined })
    for (const height of [2_000, 4_000, 6_000]) tip(height, 2_000)
    tip(6_001, 1)
    tip(6_002, 1)
    assert.deepStrictEqual(
      watching.events.map(({ text }) => text.slice(0, 12)),
      ["new tip 6000", "new tip 6001", "new tip 6002"]
    )
    for (let height = 0; height < 1_000; height++) tip(height, 1)
    assert.strictEqual(watching.events.length, View.mostEvents)
  })
})

describe("known nodes", () => {
  const counts = { Valid: 1, Unknown: 0, Inaccessible: 0, Banned: 2 }
  const known: Known.Known = {
    counts,
    peers: [
      {
        endpoint: new Endpoint({ host: "10.0.0.1", port: 8_333 }),
        status: "Banned",
        since: start,
        reason: "a\u001b[1mb"
      }
    ]
  }

  it("are counted and listed, on one line each", () => {
    assert.match(
      Known.text(known),
      /^Known nodes: 1 valid, 2 banned\n.*\n10\.0\.0\.1:8333 {2}Banned {2}2026-01-02T03:04:05Z {2}ab$/
    )
    assert.strictEqual(Known.text({ counts: { ...counts, Valid: 0, Banned: 0 }, peers: [] }), "No node is known.")
    assert.deepStrictEqual(Known.lines(known), [
      { _tag: "KnownCounts", ...counts },
      { _tag: "Known", remote: "10.0.0.1:8333", status: "Banned", since: start, reason: "a\u001b[1mb" }
    ])
  })
})
