/**
 * Which user agents a node deals with. Three lists of texts that an agent may contain, in whatever case, asked in this order: who is
 * allowed is taken, who is denied is not, and who has none of what is required is not either.
 *
 * Only what a peer says of itself is judged, and it may say anything: this keeps mistakes out, not enemies.
 */
import { mostAgent } from "./Version.ts"

export interface AgentPolicy {
  readonly allow: ReadonlyArray<string>
  readonly deny: ReadonlyArray<string>
  /** Empty if nothing is required. */
  readonly require: ReadonlyArray<string>
}

export const everybody: AgentPolicy = { allow: [], deny: [], require: [] }

/** What BSV's own nodes deny, and the names of the nodes of other chains; an agent that nobody has heard of is taken. */
export const notOtherChains: AgentPolicy = {
  allow: ["bitcoin sv", "bitcoinsv", "bsv/", "/bsv"],
  deny: ["abc", "cash", "bch", "satoshi", "bitcoin core", "btc"],
  require: []
}

/** Nodes that say that they are BSV's, and no others. */
export const onlyBsv: AgentPolicy = { ...notOtherChains, require: notOtherChains.allow }

export type Verdict =
  | { readonly _tag: "Taken" }
  | { readonly _tag: "Denied"; readonly by: string }
  | { readonly _tag: "NotRequired" }

export const judge = ({ allow, deny, require }: AgentPolicy, agent: string): Verdict => {
  const lower = agent.slice(0, mostAgent).toLowerCase()
  const contained = (texts: ReadonlyArray<string>) =>
    texts.find((text) => text !== "" && lower.includes(text.toLowerCase()))
  if (contained(allow) !== undefined) return { _tag: "Taken" }
  const by = contained(deny)
  if (by !== undefined) return { _tag: "Denied", by }
  return require.length === 0 || contained(require) !== undefined ? { _tag: "Taken" } : { _tag: "NotRequired" }
}

/** As it may stand in a log or on a terminal: everything but printable ASCII as `\u{...}`. */
export const printable = (agent: string): string =>
  Array.from(agent.slice(0, mostAgent), (character) => {
    const code = character.codePointAt(0) ?? 0
    return code >= 0x20 && code <= 0x7e ? character : `\\u{${code.toString(16)}}`
  }).join("")
