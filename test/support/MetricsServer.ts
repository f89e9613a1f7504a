/**
 * A real server that collects metrics and answers PromQL, as a process of its own in a folder of its own.
 *
 * Its program is no dependency that npm brings. It is looked for where `scripts/install-collectors.sh` puts it and on
 * the PATH, and its absence fails with what to install.
 */
import { Schema } from "effect"
import { spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The program of this name, or an error that says how to have it. */
export const find = (name: string, env: Readonly<Record<string, string | undefined>> = process.env): string => {
  const variable = `HOLDFAST_TEST_${name.toUpperCase().replaceAll("-", "_")}`
  const named = env[variable]
  const ours = path.join(os.tmpdir(), `holdfast-collectors-${process.getuid?.() ?? 0}`)
  const folders = [ours, ...(env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "")]
  const places = named === undefined ? folders.map((folder) => path.join(folder, name)) : [named]
  const found = places.find(isProgram)
  if (found !== undefined) return found
  throw new Error(
    named === undefined
      ? `No ${name} was found. On Debian run "scripts/install-collectors.sh", elsewhere install it on the PATH, or ` +
          `name its program in ${variable}.`
      : `${variable} names ${named}, which is not a program: correct it, or unset it to look for one.`
  )
}

export interface Program {
  readonly name: string
  readonly args: (folder: string) => ReadonlyArray<string>
  /** What it says on its standard error output once it answers. */
  readonly ready: string
}

/** One series of an answer, with the value that it has now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: number
}

const Answer = Schema.fromJsonString(
  Schema.Struct({
    data: Schema.Struct({
      resultType: Schema.Literal("vector"),
      result: Schema.Array(
        Schema.Struct({
          metric: Schema.Record(Schema.String, Schema.String),
          value: Schema.Tuple([Schema.Number, Schema.String])
        })
      )
    })
  })
)

/** How long a value may take to come, in milliseconds: scrapes and exports of a busy machine. */
const patience = 120_000

export class MetricsServer {
  readonly url: string
  readonly #stop: () => Promise<void>

  private constructor(url: string, stop: () => Promise<void>) {
    this.url = url
    this.#stop = stop
  }

  /** Starts one that will answer at this URL, and waits until it does. */
  static async start({ args, name, ready }: Program, url: string): Promise<MetricsServer> {
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), `holdfast-${name}-`))
    const child = spawn(find(name), args(folder), { stdio: ["ignore", "ignore", "pipe"] })
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
    await new Promise<void>((resolve, reject) => {
      let said = ""
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said = (said + text).slice(-8_000)
        if (said.includes(ready)) resolve()
      })
      child.on("error", reject)
      child.on("close", (code) => reject(new Error(`${name} ended with ${code}: ${said}`)))
    })
    return new MetricsServer(url, async () => {
      child.kill("SIGTERM")
      await ended
      await fs.rm(folder, { recursive: true, force: true })
    })
  }

  /** What its API answers to a request. */
  async get<A, I>(where: string, schema: Schema.Codec<A, I>): Promise<A> {
    const response = await fetch(`${this.url}/api/v1/${where}`)
    const text = await response.text()
    if (!response.ok) throw new Error(`${where} is answered with ${response.status}: ${text}`)
    return Schema.decodeUnknownPromise(schema)(text)
  }

  /** The value of an expression of PromQL now. */
  async query(expression: string): Promise<ReadonlyArray<Sample>> {
    const { data } = await this.get(`query?query=${encodeURIComponent(expression)}`, Answer)
    return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
  }

  /** The same, as soon as it satisfies `holds`. */
  until(expression: string, holds: (samples: ReadonlyArray<Sample>) => boolean): Promise<ReadonlyArray<Sample>> {
    return this.ask(() => this.query(expression), holds)
  }

  /** Asks until the answer satisfies `holds`: these servers call nobody back. */
  async ask<A>(question: () => Promise<A>, holds: (answer: A) => boolean): Promise<A> {
    const end = performance.now() + patience
    while (true) {
      const answer = await question()
      if (holds(answer)) return answer
      if (performance.now() > end) throw new Error(`after ${patience} ms it is still ${JSON.stringify(answer)}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}
