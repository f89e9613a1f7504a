/**
 * Every setting of a node, once: its key in the file, its flag, its environment variable, its bounds, its default and
 * what it is for. The flags, the help, the checks and the configuration itself are made from this table.
 */
import * as Delivery from "../services/delivery/DeliveryConfig.ts"
import * as Link from "../services/link/LinkConfig.ts"
import * as Value from "./SettingValue.ts"

export interface Setting<A> {
  readonly flag: string
  /** Environment variables, the first one that is set counts. */
  readonly env: ReadonlyArray<string>
  readonly metavar: string
  readonly about: string
  readonly schema: Value.FromText<A>
  /** As it would be written; without one the setting may be absent. */
  readonly default?: string | undefined
  /** Several values: the flag again and again, the variable with commas, the file with an array. */
  readonly many?: true
  /** Never shown. */
  readonly secret?: true
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const kib = 1_024
const mib = 1_024 * kib

const envOf = (flag: string): string => `HOLDFAST_${flag.toUpperCase().replaceAll("-", "_")}`

interface Spec {
  readonly metavar: string
  readonly about: string
  readonly env?: ReadonlyArray<string>
}

const optional = <A>(flag: string, schema: Value.FromText<A>, spec: Spec) => ({
  flag,
  schema,
  env: [envOf(flag)],
  ...spec
})

const required = <A>(flag: string, schema: Value.FromText<A>, standard: string, spec: Spec) => ({
  ...optional(flag, schema, spec),
  default: standard
})

const time = (flag: string, minimum: number, maximum: number, standard: number, about: string) =>
  required(flag, Value.duration(minimum, maximum), `${standard}ms`, { metavar: "<time>", about })
const number = (flag: string, minimum: number, maximum: number, standard: number, about: string) =>
  required(flag, Value.count(minimum, maximum), `${standard}`, { metavar: "<n>", about })
const bytes = (flag: string, minimum: number, maximum: number, standard: number, about: string) =>
  required(flag, Value.size(minimum, maximum), `${standard}B`, { metavar: "<size>", about })

/** Where a node listens unless it is told otherwise, if the port is free. */
export const standardPlace: Value.Place = { host: "127.0.0.1", port: 4_001 }

const { queue, redial } = Link.defaults

export const settings = {
  listen: optional("listen", Value.place, {
    metavar: "<host:port>",
    about: `Where to accept peers (default ${standardPlace.host}:${standardPlace.port}, or a free port if that one is taken)`
  }),
  advertise: optional("advertise", Value.endpoint, {
    metavar: "<host:port>",
    about: "What to tell peers to dial instead, as behind a NAT"
  }),
  network: required("network", Value.text("the name of a network", 64), "main", {
    metavar: "<name>",
    about: "Only nodes of the same network talk to each other"
  }),
  peers: {
    ...optional("connect", Value.address, {
      metavar: "<address>",
      about: "A node to stay connected to, as it prints its address; may be given several times",
      env: ["HOLDFAST_PEERS"]
    }),
    many: true
  },
  databaseUrl: {
    ...optional("database-url", Value.secret, {
      metavar: "<url>",
      about: "A PostgreSQL database instead of the embedded one, postgres://user:password@host:port/name",
      env: ["HOLDFAST_DATABASE_URL", "DATABASE_URL"]
    }),
    secret: true
  },
  databaseConnections: number("database-connections", 3, 500, 10, "Connections to PostgreSQL at the most"),
  allowDataLoss: required("allow-data-loss", Value.flag, "false", {
    metavar: "",
    about: "Accept a database whose commits a crash can undo"
  }),
  heartbeat: required("heartbeat", Value.choice(["default", "fast", "relaxed"]), "default", {
    metavar: "<profile>",
    about: "The profile of pings: silence is death after 30s in default, 5s in fast, 2m in relaxed"
  }),
  maxSessions: number("max-sessions", 1, 65_536, Link.defaults.maxSessions, "Peers connected at once"),
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
  sendQueue: bytes("send-queue", 64 * kib, 64 * mib, queue.bulkBytes, "What may wait to be written to one peer"),
  controlQueue: bytes("control-queue", 4 * kib, mib, queue.controlBytes, "The same for small urgent frames"),
  receiveQueue: bytes(
    "receive-queue",
    kib,
    64 * mib,
    Link.defaults.sessionQueue,
    "What may wait of one peer to be handled"
  ),
  inFlight: number(
    "in-flight",
    1,
    65_536,
    Delivery.defaults.window.messages,
    "Messages sent to one peer ahead of its receipts"
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
    "How long a peer may take to take one write"
  ),
  probeTimeout: time(
    "probe-timeout",
    100,
    minute,
    Link.defaults.probeTimeout,
    "How long a doubted session may take to show life"
  ),
  receiptTimeout: time(
    "receipt-timeout",
    second,
    hour,
    Delivery.defaults.receiptTimeout,
    "How long a peer may take to receipt messages"
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
  ),
  api: required("api", Value.place, "127.0.0.1:0", {
    metavar: "<host:port>",
    about: "Where the HTTP API listens; 0 takes a free port, which the CLI finds in the data folder"
  }),
  metricsPerPeer: required("metrics-per-peer", Value.flag, "false", {
    metavar: "",
    about: "Metrics of each connected peer as well, labelled with its key"
  }),
  otlpUrl: optional("otlp-url", Value.url, {
    metavar: "<url>",
    about: "An OpenTelemetry collector to send metrics, traces and logs to by OTLP over HTTP, http://127.0.0.1:4318",
    env: ["HOLDFAST_OTLP_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"]
  }),
  otlpHeaders: {
    ...optional("otlp-header", Value.header, {
      metavar: "<name=value>",
      about: "A header for the collector, such as authorization=Bearer <token>; may be given several times",
      env: ["HOLDFAST_OTLP_HEADERS"]
    }),
    many: true,
    secret: true
  },
  otlpInterval: time("otlp-interval", second, hour, 15 * second, "How often metrics, traces and logs are sent to it"),
  logLevel: required("log-level", Value.choice(["none", "error", "warn", "info", "debug", "trace"]), "info", {
    metavar: "<level>",
    about: "The least important messages to log: none, error, warn, info, debug or trace"
  }),
  logFormat: required("log-format", Value.choice(["text", "json"]), "text", {
    metavar: "<format>",
    about: "How to log: text or json, one object per line"
  })
} as const satisfies Record<string, Setting<unknown>>

export type Settings = typeof settings
export type Key = keyof Settings

type ValueOf<S> = S extends { readonly schema: Value.FromText<infer A> }
  ? S extends { readonly many: true }
    ? ReadonlyArray<A>
    : S extends { readonly default: string }
      ? A
      : A | undefined
  : never

/** Every setting, decoded. */
export type Values = { readonly [K in Key]: ValueOf<Settings[K]> }

/** Every key with what `make` makes of it. */
export const each = <A>(make: (key: Key) => A): Readonly<Record<Key, A>> => {
  const made: Partial<Record<Key, A>> = {}
  for (const key of keys) made[key] = make(key)
  const isComplete = (all: Partial<Record<Key, A>>): all is Record<Key, A> => keys.every((key) => key in all)
  if (!isComplete(made)) throw new Error("a setting was left out")
  return made
}

export const keys: ReadonlyArray<Key> = Object.keys(settings).filter((key): key is Key => key in settings)
