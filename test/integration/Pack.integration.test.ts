import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { join, posix } from "node:path"
import { lowest, mustRun, packedProject, readInstalled, run, type PackedProject } from "../support/PackedProject.ts"
import { manifest, read } from "../support/ProjectFiles.ts"
import { matches, snippetUnder } from "../support/Snippet.ts"

const heading = "## As a library"

describe("the package, packed and installed in an empty project", { timeout: 600_000 }, () => {
  let project: PackedProject
  beforeAll(async () => {
    project = await packedProject()
  }, 900_000)
  afterAll(() => project?.remove())

  const { name, exports, bin, engines, devDependencies } = manifest()

  /** Every specifier that a consumer may import, from the targets of `exports` and the files that are there. */
  const specifiers = (): ReadonlyArray<string> =>
    Object.entries(exports).flatMap(([subpath, target]) => {
      if (!target.includes("*")) return subpath.endsWith(".json") ? [] : [posix.join(name, subpath)]
      const [before, after] = target.slice(2).split("*") as [string, string]
      return project.files
        .filter((file) => file.startsWith(before) && file.endsWith(after))
        .map((file) => posix.join(name, subpath.replace("*", file.slice(before.length, file.length - after.length))))
    })

  /** What TypeScript says about these files, under the compiler options of a consumer. */
  const diagnose = async (
    files: ReadonlyArray<string>,
    options: Readonly<Record<string, unknown>>
  ): Promise<string> => {
    const compilerOptions = { target: "ES2024", strict: true, noEmit: true, types: ["node"], ...options }
    await project.write("tsconfig.json", JSON.stringify({ compilerOptions, files }))
    const { stdout, stderr, code } = await run(project.folder, join(project.folder, "node_modules/.bin/tsc"), [
      "-p",
      "."
    ])
    return code === 0 || stdout !== "" ? stdout : `tsc ended with ${code}: ${stderr}`
  }
  const nodeNext = { module: "NodeNext", moduleResolution: "NodeNext" }
  const bundler = { module: "ESNext", moduleResolution: "bundler" }

  it("runs on the Node of this project and on the lowest that it supports", async () => {
    const versions = await Promise.all(project.nodes.map((node) => mustRun(project.folder, node, ["--version"])))
    assert.deepStrictEqual(
      versions.map((version) => version.trim()),
      [process.version, `v${lowest(engines.node)}`]
    )
    assert.strictEqual(process.version.split(".")[0], `v${devDependencies["node"]!.split(".")[0]}`)
  })

  it("holds the sources, what was built from them, and nothing else", () => {
    const expected =
      /^(?:dist\/(?:src|migrations)\/.+\.(?:js|d\.ts)(?:\.map)?|(?:src|migrations)\/.+\.ts|(?:package\.json|README\.md|LICENSE|CHANGELOG\.md))$/
    assert.deepStrictEqual(
      project.files.filter((file) => !expected.test(file)),
      []
    )
    const targets = [...Object.values(exports).filter((target) => !target.includes("*")), ...Object.values(bin)]
    const present = new Set([...project.files, ""])
    assert.deepStrictEqual(
      ["README.md", "LICENSE", "CHANGELOG.md", ...targets.map((target) => posix.normalize(target))].filter(
        (file) => !present.has(file)
      ),
      []
    )
  })

  it("has source and declaration maps that lead to sources in the package", async () => {
    const present = new Set(project.files)
    const maps = project.files.filter((file) => file.endsWith(".map"))
    assert.isAbove(maps.length, 0)
    for (const file of maps) {
      const map = JSON.parse(await readInstalled(project, file)) as { readonly sources: ReadonlyArray<string> }
      for (const source of map.sources)
        assert.isTrue(present.has(posix.join(posix.dirname(file), source)), `${file} names ${source}`)
    }
  })

  it("shares one copy of effect with its consumer", async () => {
    const listed = await mustRun(project.folder, "npm", ["ls", "effect", "--all", "--parseable"])
    assert.deepStrictEqual(listed.trim().split("\n"), [join(project.folder, "node_modules/effect")])
  })

  it("type-checks the README's library snippet, as Node and as a bundler resolve it", async () => {
    await project.write("snippet.ts", snippetUnder(read("README.md"), heading).code)
    assert.strictEqual(await diagnose(["snippet.ts"], { ...nodeNext, skipLibCheck: true }), "")
    assert.strictEqual(await diagnose(["snippet.ts"], { ...bundler, skipLibCheck: true }), "")
  })

  it("runs the README's library snippet, which prints what the README says", async () => {
    const { code, output } = snippetUnder(read("README.md"), heading)
    await project.write("snippet.ts", code)
    for (const node of project.nodes) {
      const lines = (await mustRun(project.folder, node, ["snippet.ts"])).replace(/\n$/, "").split("\n")
      const wrong = output.findIndex((line, at) => !matches(line, lines[at] ?? "\0"))
      assert.isTrue(wrong < 0 && lines.length === output.length, `on ${node}, not as announced:\n${lines.join("\n")}`)
    }
  })

  it("has types without an error of their own in every module", async () => {
    const text = specifiers().map((specifier, at) => `export * as m${at} from "${specifier}"\n`)
    assert.isAbove(text.length, 8)
    await project.write("surface.ts", text.join(""))
    for (const options of [nodeNext, bundler]) {
      // The declarations of other packages are not ours to judge, so libraries are checked and only our lines count.
      const lines = (await diagnose(["surface.ts"], { ...options, skipLibCheck: false })).split("\n")
      assert.deepStrictEqual(
        lines.filter((line) => line.startsWith(`node_modules/${name}/`) || line.startsWith("surface.ts")),
        []
      )
    }
  })

  it("loads every module that it exports", async () => {
    const load = `for (const specifier of ${JSON.stringify(specifiers())}) await import(specifier)`
    await project.write("load.mjs", `${load}\nconsole.log("loaded")\n`)
    for (const node of project.nodes) assert.strictEqual(await mustRun(project.folder, node, ["load.mjs"]), "loaded\n")
  })

  it("lets nothing else be imported", async () => {
    const inner = project.files.filter((file) => /\.(?:js|ts)$/.test(file)).map((file) => posix.join(name, file))
    const others = ["programs/cli", "dist", "src", "index", "services", "layers", "protocol", "migrations/index"]
    const closed = [...inner, ...others.map((path) => posix.join(name, path))]
    const attempt = `
      for (const specifier of ${JSON.stringify(closed)})
        await import(specifier).then(
          () => console.log("open: " + specifier),
          (error) => error.code === "ERR_PACKAGE_PATH_NOT_EXPORTED" || console.log(error.code + ": " + specifier)
        )
    `
    await project.write("closed.mjs", attempt)
    for (const node of project.nodes) assert.strictEqual(await mustRun(project.folder, node, ["closed.mjs"]), "")
  })

  it("installs its command, which shows its help", async () => {
    for (const [command, target] of Object.entries(bin)) {
      const help = await mustRun(project.folder, "npm", ["exec", "--no", "--", command, "--help"])
      assert.include(help, command)
      for (const node of project.nodes)
        assert.include(await mustRun(project.folder, node, [join(project.installed, target), "--help"]), command)
    }
  })
})

describe("the snippet of a document", () => {
  const document = [
    "# Title",
    "```ts",
    "const before = 1",
    "```",
    "## As a library",
    "Words.",
    "```sh",
    "## As a library",
    "```",
    "````ts",
    "const fence = `",
    "```",
    "`",
    "````",
    "### It prints",
    "```text",
    "peer … is up",
    "a.c",
    "```",
    "## After",
    "```text",
    "no",
    "```"
  ].join("\n")

  it("is the first program under its heading, with the output announced after it", () => {
    assert.deepStrictEqual(snippetUnder(document, "## As a library"), {
      code: "const fence = `\n```\n`\n",
      output: ["peer … is up", "a.c"]
    })
  })

  it("is missing with a reason", () => {
    assert.throws(() => snippetUnder(document, "## Gone"), /no heading "## Gone"/)
    assert.throws(() => snippetUnder(document, "## After"), /no ts block/)
    assert.throws(() => snippetUnder("## X\n```ts\n1\n```\n## Y\n```text\n1\n```", "## X"), /no text block/)
  })

  it("prints a line as announced, where only an ellipsis stands for something else", () => {
    assert.isTrue(matches("peer … is up", "peer 12 is up"))
    assert.isFalse(matches("peer … is up", "peer 12 is upset"))
    assert.isTrue(matches("a.c", "a.c"))
    assert.isFalse(matches("a.c", "abc"))
  })
})
