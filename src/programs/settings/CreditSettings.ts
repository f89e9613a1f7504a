/**
 * The settings of credit: whether the node gives it, where its users are reached, who decides on their lifts.
 */
import { Option, Result, Schema } from "effect"
import { Endpoint, parseEndpoint } from "../../protocol/Address.ts"
import { parseAgent } from "../../protocol/credit/Chad.ts"
import { mostReferees, Referee } from "../../protocol/credit/LiftPlan.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"
import * as Credit from "../../services/credit/CreditConfig.ts"
import * as Value from "../SettingValue.ts"
import { hour, number, optional, required, second, time } from "./Setting.ts"

const decodeReferee = Schema.decodeUnknownOption(Referee)

/** `KEY@host:port`, the key as hex digits or as CHIP addresses have it. */
export const referee: Value.FromText<Referee> = Value.fromText(
  "the key of a node and where it is reached, KEY@host:port",
  (text) => {
    const [, agent = "", place = ""] = /^([^@]+)@(.+)$/.exec(text) ?? []
    const key = Option.getOrUndefined(parseAgent(agent))
    const endpoint = Result.getOrUndefined(parseEndpoint(place))
    if (key === undefined || endpoint === undefined) return undefined
    return Option.getOrUndefined(decodeReferee({ key, host: endpoint.host, port: endpoint.port }))
  },
  ({ host, key, port }) => `${key}@${new Endpoint({ host, port }).toString()}`
)

/** The key of a node as hex digits or as CHIP addresses have it, or one of two words. */
export const decidedFor: Value.FromText<NodeKey | "nobody" | "everybody"> = Value.fromText(
  "the key of a node, nobody or everybody",
  (text) => (text === "nobody" || text === "everybody" ? text : Option.getOrUndefined(parseAgent(text))),
  (value) => value
)

export const creditSettings = {
  credit: required("credit", Value.flag, "true", {
    metavar: "",
    about: "Keep tallies of users with users of other nodes; --no-credit does not speak of credit at all"
  }),
  creditAddress: optional("credit-address", Value.endpoint, {
    metavar: "<host:port>",
    about: "Where new certificates of users say that this node is reached (default what it advertises, or listens at)"
  }),
  creditReferees: {
    ...optional("credit-referees", referee, {
      metavar: "<key@host:port>",
      about: `A node that decides on lifts of this node's users; an odd number of them, ${mostReferees} at the most (default this node)`
    }),
    many: true
  },
  creditDecidesFor: {
    ...optional("credit-decides-for", decidedFor, {
      metavar: "<key>",
      about:
        "A node on whose users' lifts this node decides where they name it; or nobody, or everybody (default everybody)"
    }),
    many: true
  },
  creditLiftLife: time(
    "credit-lift-life",
    5 * second,
    hour,
    Credit.defaults.liftLifeMillis,
    "How long a lift of this node's users may take unless they say otherwise"
  ),
  creditQueries: number(
    "credit-queries",
    1,
    10_000,
    Credit.defaults.mostQueries,
    "Searches for ways that may be under way over one tally; further ones are told that there is none"
  )
} as const
