/**
 * A node as a process of its own whose users give credit, told by the command line as people do it.
 *
 * Nothing here polls: what comes from another node is waited for in the user's events, from the beginning on.
 */
import { assert } from "@effect/vitest"
import { Schema } from "effect"
import { HoldfastProcess, holdfast, startNode, type ReadyNode } from "../HoldfastProcess.ts"

const Any = Schema.fromJsonString(Schema.Unknown)

export class CreditSite {
  readonly #folder: string
  readonly #args: ReadonlyArray<string>
  #node: ReadyNode | undefined

  private constructor(folder: string, args: ReadonlyArray<string>) {
    this.#folder = folder
    this.#args = args
  }

  /** Starts a node in a folder, connected to others. */
  static async start(folder: string, to: ReadonlyArray<CreditSite> = [], more: ReadonlyArray<string> = []) {
    const site = new CreditSite(folder, ["--listen", "127.0.0.1:0", ...more])
    site.#node = await startNode(folder, [...site.#args, ...to.flatMap((other) => ["--connect", other.address])])
    return site
  }

  get node(): ReadyNode {
    if (this.#node === undefined) throw new Error("the node does not run")
    return this.#node
  }

  get address(): string {
    return this.node.address
  }

  /** Kills it, and starts it again where it was reached before. */
  async killed(): Promise<void> {
    const place = this.address.replace(/^.*@/, "")
    this.node.process.signal("SIGKILL")
    await this.node.process.ended
    this.#node = await startNode(this.#folder, ["--listen", place])
  }

  async stop(): Promise<void> {
    await this.#node?.process.stop()
  }

  /** What a command prints for programs; it must succeed. */
  async json<A, I>(schema: Schema.Codec<A, I>, ...words: ReadonlyArray<string>): Promise<A> {
    const text = await this.says(...words, "--json")
    return Schema.decodeUnknownSync(Schema.toCodecJson(schema))(Schema.decodeUnknownSync(Any)(text.trim()))
  }

  /** What a command prints for people; it must succeed. */
  async says(...words: ReadonlyArray<string>): Promise<string> {
    const { code, stderr, stdout } = await holdfast([...words, "--data", this.#folder])
    assert.strictEqual(code, 0, `holdfast ${words.join(" ")}\n${stdout}\n${stderr}`)
    return stdout
  }

  /** The code with which a command ends that fails, and what it says. */
  async fails(...words: ReadonlyArray<string>): Promise<{ readonly code: number | null; readonly text: string }> {
    const { code, stderr } = await holdfast([...words, "--data", this.#folder])
    assert.notStrictEqual(code, 0, `holdfast ${words.join(" ")} has not failed`)
    return { code, text: stderr }
  }

  /** Waits until a user has been told of something of this kind, and about this. */
  async told(user: string, kind: string, about = ""): Promise<void> {
    const events = new HoldfastProcess(["events", "--for", user, "--follow", "--json", "--data", this.#folder])
    const matching = async (): Promise<void> => {
      const line = await events.line(`"kind":"${kind}"`)
      if (!line.includes(about)) await matching()
    }
    await matching()
    events.signal("SIGKILL")
    await events.ended
  }
}
