/**
 * The settings of links: how soon silence is death, what may wait, how long things may take, when a peer is dialled again.
 */
import * as Link from "../../services/link/LinkConfig.ts"
import * as Value from "../SettingValue.ts"
import { bytes, hour, kib, mib, minute, number, required, second, time } from "./Setting.ts"

const { queue, redial } = Link.defaults

export const linkSettings = {
  heartbeat: required("heartbeat", Value.choice(["default", "fast", "relaxed"]), "default", {
    metavar: "<profile>",
    about: "The profile of pings: silence is death after 30s in default, 5s in fast, 2m in relaxed"
  }),
  sendQueue: bytes("send-queue", 64 * kib, 64 * mib, queue.bulkBytes, "What may wait to be written to one peer"),
  controlQueue: bytes("control-queue", 4 * kib, mib, queue.controlBytes, "The same for small urgent frames"),
  receiveQueue: bytes(
    "receive-queue",
    kib,
    64 * mib,
    Link.defaults.sessionQueue,
    "What may wait of one peer to be handled"
  ),
  dialTimeout: time("dial-timeout", 100, 5 * minute, 10 * second, "How long a dial may take, name look-up included"),
  handshakeTimeout: time(
    "handshake-timeout",
    100,
    5 * minute,
    Link.defaults.handshakeTimeout,
    "From the open socket to the session"
  ),
  writeTimeout: time(
    "write-timeout",
    100,
    10 * minute,
    Link.defaults.writeTimeout,
    "How long a peer may take to take a portion of what is written, of 4 to 64 KiB"
  ),
  probeTimeout: time(
    "probe-timeout",
    100,
    minute,
    Link.defaults.probeTimeout,
    "How long a doubted session may take to show life"
  ),
  redialFirst: time(
    "redial-first",
    10,
    10 * minute,
    redial.baseMillis,
    "Upper bound of the first wait before a peer is dialled again"
  ),
  redialLongest: time(
    "redial-longest",
    100,
    24 * hour,
    redial.capMillis,
    "Upper bound of every wait before a peer is dialled again"
  ),
  breakerStarts: number(
    "breaker-starts",
    1,
    1_000,
    redial.starts,
    "Sessions that may start within a minute before dialling pauses"
  ),
  breakerPause: time(
    "breaker-pause",
    second,
    hour,
    redial.openMillis,
    "How long dialling pauses then; doubles each time"
  )
} as const
