import { assert, describe, it } from "@effect/vitest"
import * as Command from "../../../src/protocol/bitcoin/Command.ts"
import { classes, classOf } from "../../../src/protocol/bitcoin/CommandClass.ts"

describe("classes of commands", () => {
  it("are one for each command, and few", () => {
    const of = (command: string) => classOf(Command.kindOf(command))
    assert.deepStrictEqual(["version", "ping", "addr", "inv", "headers", "block", "tx", "reject", "alert"].map(of), [
      "handshake",
      "heartbeat",
      "addresses",
      "inventory",
      "headers",
      "blocks",
      "transactions",
      "reject",
      "other"
    ])
    assert.isAtMost(classes.length, 12)
  })

  it("tell what nobody knows from what was spoiled", () => {
    assert.deepStrictEqual(
      [Command.kindOf("evil"), Command.spoiled.checksum, Command.spoiled.command, 200].map(classOf),
      ["unknown", "spoiled", "spoiled", "other"]
    )
  })
})
