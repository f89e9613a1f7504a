import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const text = readFileSync(here("docs/requirements.md"), "utf8")
const rows = text
  .split("\n")
  .filter((line) => /^\| [CNBS]\d+ \|/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))

const numbers = (letter: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`)

/** The files of a cell, each with the titles that follow it. */
const references = (cell: string) =>
  [...cell.matchAll(/`([^`]+)`((?:[:;]\s*"[^"]+")*)/g)].map(([, file = "", titles = ""]) => ({
    file,
    titles: [...titles.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title)
  }))

describe("docs/requirements.md", () => {
  it("has one line for every requirement", () => {
    const all = [...numbers("C", 11), ...numbers("N", 12), ...numbers("B", 8), ...numbers("S", 13)]
    assert.deepStrictEqual(
      rows.map((row) => row[1]),
      all
    )
  })

  it("names only tests that exist", () => {
    const missing: Array<string> = []
    for (const row of rows) {
      for (const { file, titles } of references(row[3] ?? "")) {
        const source = existsSync(here(file)) ? readFileSync(here(file), "utf8") : undefined
        if (source === undefined) missing.push(`${row[1]}: ${file}`)
        else for (const title of titles) if (!source.includes(title)) missing.push(`${row[1]}: ${file}: ${title}`)
      }
    }
    assert.deepStrictEqual(missing, [])
  })

  it("says of every requirement what shows it, what is open, or both", () => {
    const silent = rows.filter((row) => row[3] === "" && row[4] === "").map((row) => row[1])
    assert.deepStrictEqual(silent, [])
  })
})
