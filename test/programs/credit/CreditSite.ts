/**
 * A node as a process of its own whose users give credit, told by the command line as people do it. Commands are typed in this process.
 *
 * Nothing here polls: what comes from another node is waited for in the user's events.
 */
import { assert } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import { TestConsole } from "effect/testing"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { services } from "../../../src/programs/cli/CommandLine.ts"
import { run } from "../../../src/programs/cli/Holdfast.ts"
import { foreseen } from "../../../src/programs/ExitCode.ts"
import { EventView } from "../../../src/programs/http/Models.ts"
import { startNode, type ReadyNode } from "../HoldfastProcess.ts"

export type Happened = Extract<EventView, { readonly _tag: "Event" }>

const decodeEvent = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(EventView)))

/** Types a command in this process: what it prints, and what it fails with. */
const type = (words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(run(words))
    const stdout = (yield* TestConsole.logLines).join("\n")
    return { stdout, failure: Exit.isFailure(exit) ? foreseen(exit.cause) : undefined, exit }
  }).pipe(Effect.provide([services, TestConsole.layer]), Effect.runPromise)

export class CreditSite {
  readonly folder: string
  readonly #args: ReadonlyArray<string>
  #node: ReadyNode | undefined

  constructor(folder: string, args: ReadonlyArray<string> = []) {
    this.folder = folder
    this.#args = args
  }

  get node(): ReadyNode {
    if (this.#node === undefined) throw new Error("the node does not run")
    return this.#node
  }

  /** Starts it, connected to others; where it was reached before, if it was. */
  async start(...to: ReadonlyArray<CreditSite>): Promise<this> {
    const place = this.#node?.address.replace(/^.*@/, "") ?? "127.0.0.1:0"
    const connect = to.flatMap(({ node }) => ["--connect", node.address])
    this.#node = await startNode(this.folder, ["--listen", place, ...this.#args, ...connect])
    return this
  }

  async kill(): Promise<void> {
    this.node.process.signal("SIGKILL")
    await this.node.process.ended
  }

  async stop(): Promise<void> {
    await this.#node?.process.stop()
  }

  /** What a command prints for people; it must succeed. */
  async says(...words: ReadonlyArray<string>): Promise<string> {
    const { exit, failure, stdout } = await type([...words, "--data", this.folder])
    const why = `holdfast ${words.join(" ")}\n${failure?.message ?? String(exit)}\n${stdout}`
    assert.isTrue(Exit.isSuccess(exit), why)
    return stdout
  }

  /** What a command prints for programs; it must succeed. */
  async json<A, I>(schema: Schema.Codec<A, I>, ...words: ReadonlyArray<string>): Promise<A> {
    const text = await this.says(...words, "--json")
    return Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(schema)))(text.trim())
  }

  /** How a command fails. */
  async fails(...words: ReadonlyArray<string>) {
    const { failure } = await type([...words, "--data", this.folder])
    assert.isDefined(failure, `holdfast ${words.join(" ")} has not failed as foreseen`)
    return failure
  }

  /** One request of the API, with the node's token. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const token = (await readFile(join(this.folder, "api.token"), "utf8")).trim()
    const headers = { "content-type": "application/json", ...init.headers, authorization: `Bearer ${token}` }
    return fetch(`${this.node.api}${path}`, { ...init, headers })
  }

  /** The first event of a user, behind a cursor, that is one. */
  async told(user: string, isOne: (event: Happened) => boolean, after?: string): Promise<Happened> {
    const ending = new AbortController()
    const headers: Record<string, string> = after === undefined ? {} : { "last-event-id": after }
    const response = await this.request(`/events?audience=${user}`, { headers, signal: ending.signal })
    assert.strictEqual(response.status, 200)
    let text = ""
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const lines = (text + chunk).split("\n")
      text = lines.pop() ?? ""
      for (const line of lines) {
        if (!line.startsWith("data: ")) continue
        const event = decodeEvent(line.slice(6))
        if (event._tag !== "Event" || !isOne(event)) continue
        ending.abort()
        return event
      }
    }
    throw new Error(`the events of ${user} have ended`)
  }

  /** The same by what it is called. */
  hears(user: string, kind: string, after?: string): Promise<Happened> {
    return this.told(user, (event) => event.kind === kind, after)
  }
}
