/** The names of labels are those that the sources use: what is not among them would be told as `other`. */
import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Names from "../../../src/services/credit/CreditNames.ts"

const texts = ["protocol", "services"].flatMap((floor) => {
  const folder = fileURLToPath(new URL(`../../../src/${floor}/credit/`, import.meta.url))
  // What waits has kinds of its own, and no events.
  const files = readdirSync(folder).filter((name) => name !== "CreditWaiting.ts")
  return files.map((name) => readFileSync(`${folder}${name}`, "utf8"))
})

const found = (pattern: RegExp): ReadonlyArray<string> =>
  [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, name = ""]) => name)))].toSorted()

const missing = (names: ReadonlyArray<string>, known: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.filter((name) => !known.includes(name))

describe("the names of metrics of credit", () => {
  it("have every reason for which something is refused", () => {
    const reasons = found(/(?:unfit|misfit)\(\s*(?:half,\s*)?"refused",\s*"([a-z-]+)"/g)
    assert.isAbove(reasons.length, 30)
    assert.deepStrictEqual(missing(reasons, Names.reasons), [])
    const others = found(/\b(?:denied|forged|noRoom)\(\s*(?:half,\s*entry,\s*)?"([a-z-]+)"/g)
    assert.isAbove(others.length, 3)
    assert.deepStrictEqual(missing(others, Names.reasons), [])
  })

  it("have every kind of event for users, and those for the operator", () => {
    const kinds = found(/(?:\btell\([^"`]*|\bkind: )"([a-z]+\.[a-z]+)"/g)
    assert.isAbove(kinds.length, 15)
    assert.deepStrictEqual(missing(kinds, [...Names.eventKinds, ...Names.alarms]), [])
    assert.deepStrictEqual(missing(found(/\balarm\([^"]*"([a-z]+\.[a-z]+)"/g), Names.alarms), [])
  })

  it("are each there once", () => {
    for (const names of [Names.reasons, Names.eventKinds, Names.alarms]) {
      assert.strictEqual(new Set(names).size, names.length)
    }
  })
})
