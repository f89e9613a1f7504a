/**
 * The largest messages that the vocabulary of credit allows: every list full, every text as long as it may be and of characters of
 * three bytes each.
 */
import { type EncodedMessage, messages } from "./MessageSamples.ts"
import * as Samples from "./CreditSamples.ts"

const text = (length: number): string => "€".repeat(length)
const times = <A>(length: number, item: (n: number) => A): ReadonlyArray<A> => Array.from({ length }, (_, n) => item(n))
const uuid = (n: number): string => `ffffffff-0000-4000-8000-${String(n).padStart(12, "0")}`
const sample = (tag: string): EncodedMessage => messages.find(({ _tag }) => _tag === tag)!

const host = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`
const cuid = "u".repeat(64)
const date = Samples.noon
const key = (n: number): string => n.toString(16).padStart(64, "f")
const sign = Samples.authority
const units = "1000000000000000000"

const certificate = (name: string) => ({
  date,
  chad: {
    cuid,
    agent: Samples.keyOf(name),
    host,
    port: 65535
  },
  type: "organisation",
  name: text(256),
  public: Samples.keyOf(name),
  connect: times(16, () => ({
    media: text(32),
    address: text(256),
    comment: text(256)
  })),
  place: times(16, () => ({
    type: text(32),
    address: text(512),
    comment: text(256)
  })),
  identity: {
    birth: text(64),
    state: text(64)
  },
  file: times(16, () => ({
    media: text(64),
    digest: text(86),
    comment: text(256)
  }))
})
const party = (name: string) => ({ cert: certificate(name), terms: { limit: units, call: 36_500 } })
const document = {
  version: 1,
  uuid: uuid(0),
  revision: 1e6,
  date,
  memo: text(1024),
  agree: {
    name: text(256),
    rid: text(86),
    source: text(512)
  },
  stock: party("site-a"),
  foil: party("site-b")
}

const plan = {
  version: 1,
  lift: uuid(1),
  units,
  date,
  expires: date,
  memo: text(1024),
  ref: text(1024),
  payorKey: key(0),
  legs: times(12, (n) => ({
    tally: uuid(n),
    from: key(n),
    to: key(n + 1),
    by: "stock"
  })),
  referees: times(7, (n) => ({
    key: key(100 + n),
    host,
    port: 65535
  })),
  payor: {
    cuid,
    agent: key(0)
  },
  payee: {
    cuid,
    agent: key(12)
  }
}
const promises = times(13, (n) => ({ node: key(n), sign }))
const ballot = { round: 1_000_000, by: key(5) }
const record = {
  plan,
  authority: sign,
  verdict: "good",
  ballot,
  promises,
  votes: times(7, (n) => ({
    referee: key(100 + n),
    sign
  }))
}
const core = {
  type: "tran",
  tally: uuid(0),
  uuid: uuid(2),
  by: "stock",
  date,
  units,
  memo: text(1024),
  ref: text(1024)
}
const entries = times(32, () => ({ chit: { core, sign }, record }))

export const fullest: ReadonlyArray<EncodedMessage> = [
  { ...sample("Ticket"), cert: certificate("site-a") },
  { ...sample("Open"), document, signs: { stock: sign, foil: sign } },
  { ...sample("Entered"), entries },
  { ...sample("Propose"), chits: entries },
  { ...sample("Promise"), plan, promises },
  {
    ...sample("Decide"),
    plan,
    promises,
    ready: times(7, (n) => ({
      referee: key(100 + n),
      sign,
      voted: {
        ballot,
        verdict: "good",
        sign
      }
    }))
  },
  { ...sample("Ended"), record }
]
