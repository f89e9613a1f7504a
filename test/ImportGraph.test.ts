import { assert, describe, it } from "@effect/vitest"
import { barrels } from "../scripts/Barrel.ts"
import { print, violations, type Rule } from "./support/ImportGraph.ts"
import { manifest, sources } from "./support/ProjectFiles.ts"
import { blank, imports } from "./support/SourceText.ts"

/** A file that breaks nothing, under every path that the planted files import. */
const clean = "export const x = 1\n"
const house: ReadonlyArray<readonly [string, string]> = [
  ["src/protocol/A.ts", clean],
  ["src/services/B.ts", clean],
  ["src/layers/C.ts", clean],
  ["src/testing/D.ts", clean],
  ["src/programs/e.ts", clean],
  ["migrations/index.ts", clean]
]

const broken = (planted: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  violations(new Map([...house, ...Object.entries(planted)]), new Set(["effect", "@effect/platform-node"])).map(
    ({ rule, file, line }) => `${rule} ${file}:${line}`
  )

describe("the project", () => {
  const files = sources(["src", "migrations", "test", "examples", "bench", "scripts"])
  const { dependencies, peerDependencies } = manifest()

  it("keeps its floors, its dependencies and its determinism", () => {
    const declared = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)])
    assert.deepStrictEqual(violations(files, declared).map(print), [])
  })

  it("re-exports every service, protocol and testing module; `npm run barrel` writes the files", () => {
    const written = barrels(files.keys())
    assert.isTrue(written.has("src/index.ts"))
    for (const [path, text] of written) assert.strictEqual(files.get(path), text, path)
  })

  it("offers only npm scripts whose program exists", () => {
    const programs = Object.values(manifest().scripts).flatMap(
      (script) => script.match(/(?<=^node )[\w./-]+\.ts/) ?? []
    )
    assert.isAbove(programs.length, 0)
    assert.deepStrictEqual(
      programs.filter((path) => !files.has(path)),
      []
    )
  })
})

describe("a planted mistake is found", () => {
  const cases: ReadonlyArray<readonly [name: string, file: string, text: string, expected: ReadonlyArray<Rule>]> = [
    ["a protocol that imports a service", "src/protocol/X.ts", `import { x } from "../services/B.ts"`, ["floor"]],
    ["a service that imports a layer", "src/services/X.ts", `import { x } from "../layers/C.ts"`, ["floor"]],
    ["a layer that imports a program", "src/layers/X.ts", `import { x } from "../programs/e.ts"`, ["floor"]],
    ["a layer that imports testing", "src/layers/X.ts", `import { x } from "../testing/D.ts"`, ["floor"]],
    ["testing that imports a program", "src/testing/X.ts", `export * from "../programs/e.ts"`, ["floor"]],
    ["a root export of a layer", "src/index.ts", `export * as A from "./layers/C.ts"`, ["floor"]],
    ["a migration on code that may change", "migrations/0001_add_x.ts", `import "../src/protocol/A.ts"`, ["floor"]],
    [
      "sources that import a test",
      "src/programs/x.ts",
      `import "../../test/support/ImportGraph.ts"`,
      ["missing", "floor"]
    ],
    ["a floor crossed by a type", "src/protocol/X.ts", `import type { x } from "../services/B.ts"`, ["floor"]],
    ["a floor crossed by import()", "src/services/X.ts", `const m = import("../layers/C.ts")`, ["floor"]],
    ["a floor crossed over several lines", "src/protocol/X.ts", `import {\n  x\n} from "../layers/C.ts"`, ["floor"]],
    ["a driver in the protocol", "src/protocol/X.ts", `import { y } from "@effect/platform-node"`, ["platform"]],
    ["a driver in a service", "src/services/X.ts", `import { y } from "@effect/platform-node"`, ["platform"]],
    ["a driver in testing", "src/testing/X.ts", `import { y } from "@effect/platform-node"`, ["platform"]],
    ["a driver in a SQL store", "src/layers/XSql.ts", `import * as y from "@effect/platform-node/Y"`, ["platform"]],
    ["a driver in a memory store", "src/layers/XMemory.ts", `import "@effect/platform-node"`, ["platform"]],
    ["a package that nobody declared", "src/layers/X.ts", `import y from "left-pad/y"`, ["undeclared"]],
    ["a builtin in the protocol", "src/protocol/X.ts", `import { connect } from "node:net"`, ["builtin"]],
    ["a builtin in a service", "src/services/X.ts", `import { createHash } from "node:crypto"`, ["builtin"]],
    ["a builtin without its prefix", "src/layers/X.ts", `import { connect } from "net"`, ["builtin"]],
    ["randomness from node:crypto", "src/protocol/X.ts", `import { randomBytes } from "node:crypto"`, ["global"]],
    ["a timer in testing", "src/testing/cluster/X.ts", "setTimeout(f, 1)", ["global"]],
    ["the environment in testing", "src/testing/campaign/X.ts", "const y = process.env", ["global"]],
    ["a missing extension", "src/protocol/X.ts", `import { x } from "./A"`, ["extension"]],
    ["a compiled extension", "src/protocol/X.ts", `import { x } from "./A.js"`, ["extension"]],
    ["an import of nothing", "src/protocol/X.ts", `import { x } from "./Gone.ts"`, ["missing"]],
    ["an import() of a computed name", "src/programs/x.ts", "const m = import(name)", ["escape"]],
    ["a double assertion", "src/programs/x.ts", "const y = x as unknown as string", ["escape"]],
    ["a file in lower case", "src/services/x.ts", clean, ["name"]],
    ["a migration without a number", "migrations/create_x.ts", clean, ["name"]],
    ["a file that is too long", "src/programs/x.ts", clean.repeat(401), ["length"]],
    ["a test that runs alone", "test/x.test.ts", `it.effect.only("x", () => {})`, ["focus"]],
    ["a test that is left out", "examples/x.test.ts", `describe.skip("x", () => {})`, ["focus"]]
  ]
  for (const [name, file, text, expected] of cases)
    it(name, () => {
      const found = broken({ [file]: text })
      assert.deepStrictEqual(
        found.map((line) => line.split(":")[0]),
        expected.map((rule) => `${rule} ${file}`)
      )
    })

  it("a second import() of a computed name where the scenarios of users are loaded", () => {
    const file = "src/programs/sim/Scenarios.ts"
    assert.deepStrictEqual(broken({ [file]: "const m = import(name)" }), [])
    assert.deepStrictEqual(broken({ [file]: "const m = import(name)\nconst n = import(other)" }), [`escape ${file}:2`])
  })

  const forbidden = [
    "Date.now()",
    "new Date()",
    "Date()",
    "performance.now()",
    "Math.random()",
    "crypto.randomUUID()",
    "crypto.getRandomValues(x)",
    "sodium.randombytes_buf(x)",
    "setTimeout(f, 1)",
    "globalThis.setInterval(f, 1)",
    "queueMicrotask(f)",
    "process.env.HOME",
    "process.hrtime()",
    "console.log(1)",
    "`text ${Date.now()} text`"
  ]
  for (const floor of ["src/protocol", "src/services", "src/layers"])
    it(`a global that cannot be replayed, under ${floor}`, () => {
      for (const call of forbidden)
        assert.deepStrictEqual(broken({ [`${floor}/X.ts`]: `\nconst y = ${call}\n` }), [`global ${floor}/X.ts:2`], call)
    })

  it("a cycle, once, whatever its length and even through types", () => {
    const loop = {
      "src/protocol/P.ts": `import type { q } from "./Q.ts"`,
      "src/protocol/Q.ts": `export { r } from "./link/R.ts"`,
      "src/protocol/link/R.ts": `import { p } from "../P.ts"\nimport { x } from "../A.ts"`,
      "src/protocol/S.ts": `import { p } from "./P.ts"`
    }
    assert.deepStrictEqual(broken(loop), ["cycle src/protocol/P.ts:1"])
    assert.deepStrictEqual(broken({ "src/protocol/P.ts": `import { p } from "./P.ts"` }), ["cycle src/protocol/P.ts:1"])
  })
})

describe("what the rules allow", () => {
  const allowed: ReadonlyArray<readonly [name: string, file: string, text: string]> = [
    [
      "each floor to import the ones below it",
      "src/programs/x.ts",
      house
        .slice(0, 4)
        .map(([path]) => `import "../${path.slice(4)}"`)
        .join("\n")
    ],
    ["layers to apply migrations", "src/layers/X.ts", `import { x } from "../../migrations/index.ts"`],
    ["hashing in the protocol", "src/protocol/X.ts", `import { createHash } from "node:crypto"`],
    [
      "a driver in a layer bound to a platform",
      "src/layers/TransportX.ts",
      `import { y } from "@effect/platform-node"`
    ],
    ["dates made of a number", "src/services/X.ts", "const day = new Date(millis).getUTCDate()"],
    ["globals in programs", "src/programs/x.ts", "console.log(Date.now(), process.env.HOME)"],
    ["members with the name of a global", "src/services/X.ts", "socket.setTimeout(1)\nservice.console.log(1)"],
    [
      "forbidden names in comments and strings",
      "src/protocol/X.ts",
      `// Date.now()\n/* import "../layers/C.ts" */\nconst y = "Math.random()" + \`setTimeout(\``
    ],
    ["400 lines", "src/services/X.ts", clean.repeat(400)],
    ["a longer list of modules", "src/services/X.ts", `export * as A from "../protocol/A.ts"\n`.repeat(401)]
  ]
  for (const [name, file, text] of allowed) it(name, () => assert.deepStrictEqual(broken({ [file]: text }), []))
})

describe("the scanner", () => {
  it("sees every way to import, over lines, and nothing that only looks like one", () => {
    const text = [
      `import a from "a"`,
      `import type { B } from 'b'`,
      `import { type C,\n  D } from "c"`,
      `import e, * as f from "e"`,
      `import "g"`,
      `export * from "h"`,
      `export * as I from "./i.ts"`,
      `export type { J } from "j"`,
      `const k = await import("k")`,
      `export interface X { readonly from: "no" }`,
      `export class Y extends Z {}`,
      `export { L } from "l"`,
      `// import m from "no"`,
      `const n = \`import n from "no" \${ { o: \`import o from "no"\` } } import p from "no"\``,
      `const q = "import r from 'no'"`,
      `const s = /import t from "no"/g`,
      `other.import("no")`,
      `export default "no"`,
      `export const u = "no"`
    ].join("\n")
    assert.deepStrictEqual(
      imports(text).map(({ specifier, kind, line }) => `${specifier} ${kind} ${line}`),
      [
        "a static 1",
        "b type 2",
        "c static 3",
        "e static 5",
        "g static 6",
        "h static 7",
        "./i.ts static 8",
        "j type 9",
        "k dynamic 10",
        "l static 13"
      ]
    )
  })

  it("blanks comments, strings, templates and regular expressions, and moves nothing", () => {
    const text = "const a = /[\"'/]/g // \"x\nconst b = `x ${ c / d / `e` } f` + 'g\\'h' /* i\n*/ + j++ / 2 / k\n"
    const code = blank(text)
    assert.strictEqual(code.length, text.length)
    assert.strictEqual(
      code,
      "const a = /     /g      \nconst b = `  ${ c / d / ` ` }  ` + '    '     \n   + j++ / 2 / k\n"
    )
  })
})

describe("a barrel", () => {
  it("names a module after its file and adds the area only where two share it", () => {
    const paths = [
      "src/protocol/A.ts",
      "src/protocol/link/Frame.ts",
      "src/protocol/bitcoin/Frame.ts",
      "src/protocol/link/Wire.ts",
      "src/services/link/Wire.ts",
      "src/services/index.ts",
      "src/protocol/x.d.ts",
      "src/layers/B.ts",
      "src/testing/link/E.ts",
      "src/testing/index.ts",
      "src/programs/c.ts",
      "test/D.ts"
    ]
    const written = barrels(paths)
    assert.deepStrictEqual([...written.keys()], ["src/index.ts", "src/testing/index.ts"])
    assert.deepStrictEqual(written.get("src/index.ts")?.split("\n").slice(1), [
      `export * as A from "./protocol/A.ts"`,
      `export * as BitcoinFrame from "./protocol/bitcoin/Frame.ts"`,
      `export * as Frame from "./protocol/link/Frame.ts"`,
      `export * as LinkWire from "./protocol/link/Wire.ts"`,
      `export * as Wire from "./services/link/Wire.ts"`,
      ""
    ])
    assert.deepStrictEqual(written.get("src/testing/index.ts")?.split("\n").slice(1), [
      `export * as E from "./link/E.ts"`,
      ""
    ])
  })

  it("is not there without a module", () => {
    assert.strictEqual(barrels(["src/programs/c.ts", "src/testing/index.ts"]).size, 0)
  })
})
