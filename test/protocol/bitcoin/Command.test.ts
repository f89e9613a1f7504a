import { assert, describe, it } from "@effect/vitest"
import * as Command from "../../../src/protocol/bitcoin/Command.ts"

const bytesOf = (text: string): Uint8Array => Buffer.from(text.padEnd(12, "\0"), "latin1")

describe("a command on the wire", () => {
  it("is found by its bytes, wherever they lie", () => {
    for (const name of ["tx", "version", "getheaders", "gethdrsen", "sendheaders", "sendhdrsen", "filterclear"]) {
      const found = Command.knownAt(Buffer.concat([Buffer.from("xyz"), bytesOf(name)]), 3)
      assert.deepStrictEqual([found?.name, found?.kind], [name, Command.kindOf(name)])
    }
  })

  it("is none that differs in any byte", () => {
    for (const text of [
      "",
      "txx",
      "getheader",
      "getheaderz",
      "getheaderss",
      "sendheader\0x",
      "TX",
      "ping\0\0\0\0\0\0\0x"
    ]) {
      assert.isUndefined(Command.knownAt(bytesOf(text), 0), JSON.stringify(text))
    }
  })
})
