/**
 * Every setting of a node, once: its key in the file, its flag, its environment variable, its bounds, its default and
 * what it is for. The flags, the help, the checks and the configuration itself are made from this table.
 */
import * as Value from "./SettingValue.ts"
import { admissionSettings } from "./settings/AdmissionSettings.ts"
import { chainSettings } from "./settings/ChainSettings.ts"
import { creditSettings } from "./settings/CreditSettings.ts"
import { deliverySettings } from "./settings/DeliverySettings.ts"
import { linkSettings } from "./settings/LinkSettings.ts"
import { observationSettings } from "./settings/ObservationSettings.ts"
import { minute, number, optional, required, second, type Setting, time } from "./settings/Setting.ts"

export type { Setting } from "./settings/Setting.ts"

/** Where a node listens unless it is told otherwise, if the port is free. */
export const standardPlace: Value.Place = { host: "127.0.0.1", port: 4_001 }

const nodeSettings = {
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
  databaseConnections: number("database-connections", 4, 500, 10, "Connections to PostgreSQL at the most"),
  lease: time(
    "lease",
    second,
    5 * minute,
    10 * second,
    "How long a frozen process keeps the node on a PostgreSQL database before a stand-by takes it over"
  ),
  noStandby: required("no-standby", Value.flag, "false", {
    metavar: "",
    about: "Fail if another process runs this node on the database, instead of standing by"
  }),
  allowDataLoss: required("allow-data-loss", Value.flag, "false", {
    metavar: "",
    about: "Accept a database whose commits a crash can undo"
  }),
  api: required("api", Value.place, "127.0.0.1:0", {
    metavar: "<host:port>",
    about: "Where the HTTP API listens; 0 takes a free port, which the CLI finds in the data folder"
  })
} as const

export const settings = {
  ...nodeSettings,
  ...chainSettings,
  ...creditSettings,
  ...admissionSettings,
  ...linkSettings,
  ...deliverySettings,
  ...observationSettings
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
