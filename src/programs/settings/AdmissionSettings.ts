/**
 * The settings of who is let in: how many, of one host, for what they say unasked, and who makes room for whom.
 */
import { Policy } from "../../protocol/link/Admission.ts"
import * as Link from "../../services/link/LinkConfig.ts"
import * as Value from "../SettingValue.ts"
import { hour, number, optional, required, second, time } from "./Setting.ts"

const { admission, eviction, rates } = Link.defaults

/** Peers that a node can have at the most. */
const mostSessions = 65_536

export const admissionSettings = {
  maxSessions: number("max-sessions", 1, mostSessions, Link.defaults.maxSessions, "Peers connected at once"),
  reservedSessions: optional("reserved-sessions", Value.count(0, mostSessions), {
    metavar: "<n>",
    about:
      "Of those, how many are kept for peers that this node dials or wants (default a third); " +
      "with all of them nobody else is let in"
  }),
  evictionGrace: time(
    "eviction-grace",
    second,
    24 * hour,
    eviction.graceMillis,
    "How long a stranger that has come in is safe from having to make room for another"
  ),
  admission: required("admission", Value.choice(Policy.literals), admission.policy, {
    metavar: "<policy>",
    about: "One peer for each: authenticated, its key; machine, its IP address; endpoint, its IP address and port"
  }),
  peersPerHost: number(
    "peers-per-host",
    1,
    mostSessions,
    admission.perIpMax,
    "Peers of one IPv4 address or IPv6 /64; loopback is exempt"
  ),
  maxHandshakes: number(
    "max-handshakes",
    1,
    4_096,
    Link.defaults.maxHandshakes,
    "Connections without a session at once"
  ),
  maxHandshakesPerHost: number(
    "max-handshakes-per-host",
    1,
    4_096,
    Link.defaults.maxHandshakesPerHost,
    "The same of one IP address; loopback is exempt"
  ),
  acceptsPerHost: number(
    "accepts-per-host",
    1,
    4_096,
    Link.defaults.acceptRate.perSecond,
    "Connections accepted of one IP address in a second; loopback is exempt"
  ),
  maxDials: number("max-dials", 1, 256, Link.defaults.maxDials, "Dials under way at once"),
  controlRate: number(
    "control-rate",
    5,
    1_000,
    rates.control.perSecond,
    "Pings, pongs and control frames, each, that a peer may send unasked in a second; five times as many at once"
  ),
  gossipRate: number(
    "gossip-rate",
    10,
    100_000,
    rates.gossip.perSecond,
    "Frames of gossip of one peer in a second, twice as many at once; what is more is thrown away"
  )
} as const
