/**
 * CHIP addresses: whom a tally is with and which node answers for them, `cuid:agent@host:port`, or the same behind `chip://`.
 *
 * The agent is the node's key: 43 characters of base64url where it is printed, 64 hex digits are read as well.
 */
import { Option, Result, Schema } from "effect"
import { Base64Url } from "effect/encoding"
import { Endpoint, parseEndpoint } from "../Address.ts"
import { NodeKey } from "../NodeKey.ts"
import * as Key from "../NodeKey.ts"

/** A user's id at their agent: unique there, never reused. */
export const Cuid = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/, {
    message: "a cuid is 1 to 64 letters, digits, _ . or -, of which the first is a letter, a digit or _"
  })
).pipe(Schema.brand("Cuid"))
export type Cuid = typeof Cuid.Type

/** A user as others name them. */
export const Person = Schema.Struct({ cuid: Cuid, agent: NodeKey })
export type Person = typeof Person.Type

/** Whether two are one user, wherever their agent is reached. */
export const isSamePerson = (one: Person, other: Person): boolean =>
  one.cuid === other.cuid && one.agent === other.agent

/** A user, and where their agent can be reached. */
export const Chad = Schema.Struct({ ...Person.fields, host: Endpoint.fields.host, port: Endpoint.fields.port })
export type Chad = typeof Chad.Type

/** A text that is no CHIP address. */
export class ChadInvalid extends Schema.TaggedError<ChadInvalid>()("ChadInvalid", {
  text: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `"${this.text}" is not a CHIP address: ${this.problem}; expected cuid:agent@host:port`
  }
}

const pattern = /^(?:chip:\/\/)?([^:@/]+):([^:@/]+)@(.+)$/i

/** The key that an agent's text names, in either form. */
export const parseAgent = (text: string): Option.Option<NodeKey> => {
  if (/^[0-9a-f]{64}$/.test(text)) return Option.some(NodeKey.make(text))
  if (text.length !== 43) return Option.none()
  const bytes = Base64Url.decode(text)
  if (Result.isFailure(bytes) || bytes.success.length !== 32) return Option.none()
  // One key has one text: the bits that belong to no byte are zero.
  return Base64Url.encode(bytes.success) === text ? Option.some(Key.fromBytes(bytes.success)) : Option.none()
}

export const parse = (text: string): Result.Result<Chad, ChadInvalid> => {
  const invalid = (problem: string) =>
    Result.fail(new ChadInvalid({ text: text.length > 200 ? `${text.slice(0, 200)}…` : text, problem }))
  const [, name, key, place] = pattern.exec(text.trim()) ?? []
  if (name === undefined || key === undefined || place === undefined) return invalid("it has not the form")
  const cuid = Schema.decodeUnknownOption(Cuid)(name)
  if (Option.isNone(cuid)) return invalid("its cuid is not 1 to 64 letters, digits, _ . or -")
  const agent = parseAgent(key)
  if (Option.isNone(agent)) return invalid("its agent is no key of 43 characters of base64url or 64 hex digits")
  const endpoint = parseEndpoint(place.replace(/\/$/, ""))
  if (Result.isFailure(endpoint)) {
    return invalid(endpoint.failure.problem ?? "its place is not host:port with a port of 1 to 65535")
  }
  const { host, port } = endpoint.success
  return Result.succeed({ cuid: cuid.value, agent: agent.value, host, port })
}

/** The agent's key as it is printed: 43 characters. */
export const agentText = (agent: NodeKey): string => Base64Url.encode(Key.toBytes(agent))

export const format = ({ agent, cuid, host, port }: Chad): string =>
  `${cuid}:${agentText(agent)}@${new Endpoint({ host, port }).toString()}`
