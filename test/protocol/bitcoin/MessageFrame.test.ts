import { assert, describe, it } from "@effect/vitest"
import * as MessageFrame from "../../../src/protocol/bitcoin/MessageFrame.ts"
import { bytesOf, framings, hexOf, networkNamed } from "../../support/BitcoinVectors.ts"

const mebibyte = 1024 ** 2
/** What a BSV node allows: 2 MiB, and 8 GiB of what is as large as a block. */
const limits = (command: string) => (command === "block" ? 8 * 1024 ** 3 : 2 * mebibyte)
const regtest = networkNamed("bsv-regtest")

const decode = (network: string, pieces: ReadonlyArray<Uint8Array>) => {
  const decoder = new MessageFrame.Decoder(networkNamed(network), limits)
  const messages: Array<MessageFrame.Message> = []
  let failed: MessageFrame.MessageInvalid | undefined
  for (const piece of pieces) {
    const own = piece.slice()
    const before = messages.length
    failed = decoder.feed(own, messages)
    for (let index = before; index < messages.length; index++) {
      const message = messages[index]!
      messages[index] = { ...message, body: Uint8Array.from(message.body) }
    }
    own.fill(0xee)
  }
  return { messages, failed, end: decoder.end() }
}

/** As the data say it: `ok`, `error:checksum,ok`, `ok:need-more` and so on. */
const verdicts = ({ end, failed, messages }: ReturnType<typeof decode>): ReadonlyArray<string> => [
  ...messages.map(({ spoiled }) => (spoiled === undefined ? "ok" : `error:${spoiled}`)),
  ...(failed !== undefined ? [`error:${failed.reason}`] : end !== undefined ? ["need-more"] : [])
]

const expected: Readonly<Record<string, ReadonlyArray<string>>> = {
  ok: ["ok"],
  "ok:2": ["ok", "ok"],
  "ok:unknown": ["ok"],
  "ok:ext": ["ok"],
  "ok:need-more": ["need-more"],
  "error:checksum": ["error:checksum"],
  "error:checksum,ok": ["error:checksum", "ok"],
  "error:command": ["error:command"],
  "error:magic": ["error:magic"],
  "error:oversize": ["error:oversized"]
}

describe("messages on the wire", () => {
  for (const { command, commands, expect, hex, id, network, payload } of framings()) {
    it(`are cut as nodes cut them: ${id}`, () => {
      const bytes = bytesOf(hex)
      const whole = decode(network, [bytes])
      assert.deepStrictEqual(verdicts(whole), expected[expect])
      for (let at = 1; at < Math.min(bytes.length, 64); at++) {
        assert.deepStrictEqual(decode(network, [bytes.subarray(0, at), bytes.subarray(at)]), whole)
      }
      const bytewise = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
      assert.deepStrictEqual(decode(network, bytewise), whole)
      const good = whole.messages.filter(({ spoiled }) => spoiled === undefined)
      const names = commands?.filter((name) => name !== null) ?? (command === undefined ? [] : [command])
      if (good.length > 0)
        assert.deepStrictEqual(
          good.map((message) => message.command),
          names
        )
      if (good.length > 0 && payload !== undefined) assert.strictEqual(hexOf(good[0]!.body), payload)
    })
  }

  it("are written as they were read", () => {
    for (const { command, expect, hex, network, payload } of framings()) {
      if (expect !== "ok" || command === undefined || payload === undefined) continue
      assert.strictEqual(hexOf(MessageFrame.encode(networkNamed(network), command, bytesOf(payload))), hex)
    }
  })

  it("cost what has come of them, whatever length they announce", () => {
    const header = framings().find(({ id }) => id === "extmsg-header-only-5GiB-block")!
    const decoder = new MessageFrame.Decoder(regtest, limits)
    const before = process.memoryUsage().arrayBuffers
    assert.isUndefined(decoder.feed(bytesOf(header.hex), []))
    assert.isUndefined(decoder.feed(new Uint8Array(3 * mebibyte), []))
    assert.strictEqual(decoder.held, 44 + 3 * mebibyte)
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 12 * mebibyte)
  })

  it("say what was wrong with them, and stay wrong", () => {
    const decoder = new MessageFrame.Decoder(regtest, limits)
    const foreign = MessageFrame.encode(networkNamed("btc-regtest"), "ping", new Uint8Array(8))
    const error = decoder.feed(foreign, [])
    assert.strictEqual(error?.message, "magic message: fabfb5da is not dab5bffa of bsv-regtest")
    assert.strictEqual(decoder.feed(MessageFrame.encode(regtest, "verack", new Uint8Array(0)), []), error)
    const large = new MessageFrame.Decoder(regtest, () => 7)
    const text = large.feed(MessageFrame.encode(regtest, "ping", new Uint8Array(8)), [])?.message
    assert.strictEqual(text, "oversized message: ping announces 8 bytes, 7 are allowed")
  })

  it("have the longer header only where the network has it", () => {
    const hex = framings().find(({ id }) => id === "extmsg-ping")!.hex
    const btc = networkNamed("btc-regtest")
    const bytes = Uint8Array.from([...btc.magic, ...bytesOf(hex).subarray(4)])
    assert.strictEqual(decode("btc-regtest", [bytes]).failed?.reason, "oversized")
  })
})
