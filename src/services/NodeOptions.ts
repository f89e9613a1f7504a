/**
 * What a node is told when it is built, looked over before anything starts.
 */
import { Effect, Schema } from "effect"
import { maxProtocols } from "../protocol/link/LinkMessage.ts"

/** A node cannot be built from these options; the sentence says which one, and what would do. */
export class NodeOptionsInvalid extends Schema.TaggedError<NodeOptionsInvalid>()("NodeOptionsInvalid", {
  problem: Schema.String
}) {
  override get message(): string {
    return `a node cannot be built: ${this.problem}`
  }
}

/** The longest name of a network, and of the software, in characters: what a HELLO carries. */
const maxText = 64

const problemOf = (options: {
  readonly protocols: ReadonlyArray<{ readonly name: string }>
  readonly network?: string | undefined
  readonly agent?: string | undefined
}): string | undefined => {
  const names = options.protocols.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) return `two protocols are named "${twice}"`
  if (names.length > maxProtocols) return `it has ${names.length} protocols, ${maxProtocols} are allowed`
  for (const key of ["network", "agent"] as const) {
    const length = options[key]?.length ?? 1
    if (length === 0 || length > maxText) return `"${key}" has ${length} characters, 1 to ${maxText} are allowed`
  }
  return undefined
}

/** Fails with what would keep every session from coming about. */
export const check = (options: Parameters<typeof problemOf>[0]): Effect.Effect<void, NodeOptionsInvalid> =>
  Effect.suspend(() => {
    const problem = problemOf(options)
    return problem === undefined ? Effect.void : Effect.fail(new NodeOptionsInvalid({ problem }))
  })
