/**
 * What a scripted run of credit has in common over all of its nodes and their lives: how far the script is, what becomes of messages on
 * their way, and what has come of each. One board is for one run.
 */
import type { CreditMessage } from "../../../../src/protocol/credit/CreditMessage.ts"
import type { MessageId } from "../../../../src/protocol/delivery/Message.ts"
import type { NodeKey } from "../../../../src/protocol/NodeKey.ts"
import type { Nodes, Watching } from "../../../../src/testing/cluster/Watching.ts"

export type Kind = CreditMessage["_tag"]
/** What a message of this kind is. */
export type MessageOf<K extends Kind> = Extract<CreditMessage, { readonly _tag: K }>

/** Messages from one node to another; of all kinds unless it says of which. */
export interface Way {
  readonly from: string
  readonly to: string
  readonly kind?: Kind
}

/** `lost`: receipted, and nobody has heard of them. `held`: they wait at their sender, and those behind them about the same. */
export interface Rule extends Way {
  readonly fate: "lost" | "held"
  /** So many messages from now on; all of them unless it says so. */
  readonly times?: number
}

/** A message as it came to a node, and what that has answered. */
export interface Heard {
  readonly id: MessageId
  readonly from: string
  readonly to: string
  readonly message: CreditMessage
  readonly answer: string
}

/** The script does not go as it must. */
export class ScriptBroken extends Error {
  override readonly name = "ScriptBroken"
}

export class Board {
  /** The step that is next, and when the last one was over, in milliseconds of the true time. */
  at = 0
  since = 0
  /** What did not hold. */
  broken: string | undefined
  /** What the last attempt at the next step came to. */
  hindered = ""
  /** Attempts at each step. */
  readonly attempts = new Map<string, number>()
  /** What steps have left for later ones. */
  readonly kept = new Map<string, unknown>()
  #watching: Watching | undefined
  /** Microseconds of world time after which rules do not count any more: the quiet end begins. */
  #end = 0
  readonly #rules = new Map<Rule, Set<MessageId>>()
  readonly #heard = new Map<string, Heard>()
  readonly #commits = new Map<string, number>()

  /** A run begins, which is disturbed for so many milliseconds. */
  begin(watching: Watching, duration: number): void {
    this.#watching = watching
    this.#end = duration * 1_000
  }

  get nodes(): Nodes {
    return this.#watching?.view.nodes ?? []
  }

  keyOf(name: string): NodeKey {
    const node = this.nodes.find((one) => one.name === name)
    if (node === undefined) throw new ScriptBroken(`there is no node ${name}`)
    return node.key
  }

  nameOf(key: NodeKey): string {
    return this.nodes.find((one) => one.key === key)?.name ?? key
  }

  note(node: string, kind: string, detail: Readonly<Record<string, string | number | boolean>>): void {
    this.#watching?.note(node, kind, { ...detail, commit: this.#commits.get(node) ?? 0 })
  }

  /** Another commit of a node, counted over all of its lives. */
  committed(node: string): void {
    this.#commits.set(node, (this.#commits.get(node) ?? 0) + 1)
  }

  add(rule: Rule): void {
    this.#rules.set(rule, new Set())
  }

  end(rule: Rule): void {
    this.#rules.delete(rule)
  }

  /** What becomes of a message that is there now: the same, however often it comes. */
  fateOf(id: MessageId, from: string, to: string, message: CreditMessage): Rule["fate"] | undefined {
    if ((this.#watching?.view.now ?? 0) >= this.#end) return undefined
    for (const [rule, hit] of this.#rules) {
      const isMeant = rule.from === from && rule.to === to && (rule.kind ?? message._tag) === message._tag
      if (!isMeant || (!hit.has(id) && hit.size >= (rule.times ?? Number.POSITIVE_INFINITY))) continue
      hit.add(id)
      return rule.fate
    }
    return undefined
  }

  /** A message has got its answer: `ok`, `stale`, `refused: <reason>`, or what a rule has made of it. */
  hear(heard: Heard): void {
    this.#heard.set(`${heard.to} ${heard.id}`, heard)
    this.note(heard.to, "heard", { of: heard.message._tag, from: heard.from, answer: heard.answer })
  }

  /** All messages of a kind that came on this way, those that a rule has kept away as well, as they came first. */
  heard<K extends Kind>(kind: K, from: string, to: string): ReadonlyArray<Heard & { readonly message: MessageOf<K> }> {
    const isOf = (one: Heard): one is Heard & { readonly message: MessageOf<K> } =>
      one.message._tag === kind && one.from === from && one.to === to
    return [...this.#heard.values()].filter(isOf)
  }

  answers(kind: Kind, from: string, to: string): ReadonlyArray<string> {
    return this.heard(kind, from, to).map(({ answer }) => answer)
  }
}
