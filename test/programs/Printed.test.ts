import { assert, describe, it } from "@effect/vitest"
import { Writable } from "node:stream"
import { printed } from "../../src/programs/Printed.ts"

/** A stream whose reader takes one piece each time that it is told to. */
const slow = () => {
  const taken: Array<string> = []
  let next: (() => void) | undefined
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _, done) {
      next = () => {
        taken.push(String(chunk))
        done()
      }
    }
  })
  return { stream, taken, take: () => next?.() }
}

describe("what was printed", () => {
  it("has left when nothing was printed", () => printed([slow().stream]))

  it("has left once a slow reader has taken the last of it", async () => {
    const reader = slow()
    reader.stream.write("one")
    reader.stream.write("two")
    let over = false
    const end = printed([slow().stream, reader.stream]).then(() => (over = true))
    for (const expected of [["one"], ["one", "two"]]) {
      reader.take()
      await new Promise(setImmediate)
      assert.deepStrictEqual(reader.taken, expected)
      assert.isFalse(over)
    }
    reader.take()
    await end
  })

  it("is not waited for when its reader has gone, before or meanwhile", async () => {
    const [gone, going] = [slow(), slow()]
    for (const { stream } of [gone, going]) stream.on("error", () => {}).write("one")
    gone.stream.destroy()
    const end = printed([gone.stream, going.stream])
    going.stream.destroy(new Error("broken pipe"))
    await end
  })
})
