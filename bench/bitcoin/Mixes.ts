/**
 * What a peer sends, as bytes: several mixes of messages, made of the captured sessions and messages of
 * test/vectors/bitcoin, in frames of BSV's regtest.
 *
 * All of them have only commands, and forms of them, that everybody who is compared decodes: `bitcoin-protocol` ends its
 * stream at others, such as `sendcmpct`, and at a `version` with an association id.
 */
import * as Block from "../../src/protocol/bitcoin/Block.ts"
import * as Headers from "../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../src/protocol/bitcoin/Inventory.ts"
import * as Hash from "../../src/protocol/bitcoin/Hash.ts"
import * as MessageFrame from "../../src/protocol/bitcoin/MessageFrame.ts"
import { sha256d } from "../../src/protocol/bitcoin/Sha256d.ts"
import * as Transaction from "../../src/protocol/bitcoin/Transaction.ts"
import * as Version from "../../src/protocol/bitcoin/Version.ts"
import { Result } from "effect"
import * as Vectors from "../../test/support/BitcoinVectors.ts"
import { minedChain } from "./MinedChain.ts"

/** Messages one after the other. */
export interface Mix {
  readonly name: string
  readonly bytes: Uint8Array
  readonly messages: number
  /** What is in them that there are several of: items of inventories, headers, transactions. */
  readonly items: number
}

export const network = Vectors.networkNamed("bsv-regtest")

interface Part {
  readonly command: string
  readonly payload: Uint8Array
  readonly items?: number
}

const mixOf = (name: string, parts: ReadonlyArray<Part>): Mix => ({
  name,
  bytes: Buffer.concat(parts.map(({ command, payload }) => MessageFrame.encode(network, command, payload))),
  messages: parts.length,
  items: parts.reduce((sum, { items = 0 }) => sum + items, 0)
})

/** Each of them so many times, in turn. */
const repeated = <A>(parts: ReadonlyArray<A>, times: number): ReadonlyArray<A> =>
  Array.from({ length: times }, () => parts).flat()

const empty = new Uint8Array(0)

/** What BSV's node 1.2.2 said when it was captured. */
const captured = (command: string): Uint8Array => {
  const found = Vectors.messages("05-captured").find(
    (one) => one.command === command && one.network === "bsv-regtest" && one.payload !== ""
  )
  if (found === undefined) throw new Error(`no ${command} was captured`)
  return Vectors.bytesOf(found.payload)
}

/** Without the association id at its end, which is BSV's alone. */
const version = (): Uint8Array => {
  const { association: _, ...plain } = Result.getOrThrow(Version.withAssociation.decode(captured("version")))
  return Version.version.encode(plain)
}

const addresses = (): Uint8Array => {
  const found = Vectors.messages("03-messages").find(({ command }) => command === "addr")
  if (found === undefined) throw new Error("there is no addr")
  return Vectors.bytesOf(found.payload)
}

const idOf = (index: number): string => Hash.display(sha256d(Buffer.from(`transaction ${index}`)))

const inventory = (from: number, count: number): Uint8Array =>
  Inventory.inv.encode(
    Array.from({ length: count }, (_, index) => ({ kind: Inventory.Kind.transaction, id: idOf(from + index) }))
  )

/** How the streams of small messages begin. */
const greeting = (): ReadonlyArray<Part> => [
  { command: "version", payload: version() },
  { command: "verack", payload: empty }
]

/** A quiet peer: pings, announcements of single transactions and blocks, a question now and then. */
const control = (): Mix => {
  const ping: Part = { command: "ping", payload: captured("ping") }
  const pong: Part = { command: "pong", payload: captured("pong") }
  const one = (command: string, from: number): Part => ({ command, payload: inventory(from, 1), items: 1 })
  const turn: ReadonlyArray<Part> = [
    ping,
    one("inv", 1),
    one("inv", 2),
    one("getdata", 3),
    pong,
    one("inv", 4),
    one("notfound", 5),
    one("getdata", 6),
    ping,
    pong,
    { command: "inv", payload: inventory(7, 3), items: 3 },
    { command: "addr", payload: addresses() },
    { command: "reject", payload: captured("reject") },
    { command: "getheaders", payload: captured("getheaders") }
  ]
  return mixOf("control", [...greeting(), { command: "sendheaders", payload: empty }, ...repeated(turn, 400)])
}

/** A busy peer announces 35 transactions at a time, and once in a while as many as fit. */
const announcing = (): Mix => {
  const small = Array.from({ length: 40 }, (_, n): Part => ({
    command: "inv",
    payload: inventory(35 * n, 35),
    items: 35
  }))
  const large: Part = { command: "inv", payload: inventory(0, 1_000), items: 1_000 }
  return mixOf("inv", [...greeting(), ...repeated([...small, large], 5)])
}

/** Real ones of several sizes. */
const transactions = (): ReadonlyArray<Uint8Array> => {
  const found = [...Vectors.messages("03-messages"), ...Vectors.messages("05-captured")]
  const loose = found.filter(({ command }) => command === "tx").map(({ payload }) => Vectors.bytesOf(payload))
  const mined = Vectors.blocks()
    .filter(({ id }) => !id.startsWith("btc"))
    .map(({ raw }) => Result.getOrThrow(Block.block.decode(Vectors.bytesOf(raw))))
    .flatMap((block) => block.transactions.map((one) => Transaction.tx.encode(one)))
  return [...loose, ...mined].filter((bytes) => Result.isSuccess(Transaction.tx.decode(bytes)) && bytes[4] !== 0)
}

const relaying = (): Mix =>
  mixOf("tx", [
    ...greeting(),
    ...repeated(
      transactions().map((payload): Part => ({ command: "tx", payload, items: 1 })),
      100
    )
  ])

/** Most headers that a message may have. */
export const batch = Headers.mostHeaders

const syncing = (): Mix => {
  const payload = Headers.headers.encode(minedChain(network.genesis, batch))
  return mixOf(`headers of ${batch.toLocaleString("en")}`, [
    ...repeated([{ command: "headers", payload, items: batch }], 4)
  ])
}

/** A block of 3,000 transactions, about 1 MB. */
const block = (): Mix => {
  const pool = transactions().map((bytes) => Result.getOrThrow(Transaction.tx.decode(bytes)))
  const count = 3_000
  const all = Array.from({ length: count }, (_, index) => ({ ...pool[index % pool.length]!, lockTime: index }))
  const [header] = minedChain(network.genesis, 1)
  const payload = Block.block.encode({
    header: { ...header!, merkleRoot: Block.merkleRoot(all.map(Transaction.idOf)) },
    transactions: all
  })
  return mixOf("block", [...repeated([{ command: "block", payload, items: count }], 3)])
}

export const mixes = { control, inv: announcing, tx: relaying, headers: syncing, block } as const
export type Name = keyof typeof mixes
