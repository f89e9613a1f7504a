/**
 * The benchmark of Bitcoin's wire: messages decoded from a stream of bytes, beside other people's decoders, and headers
 * verified, beside a loop that only hashes: nothing of that goes over a socket. With peers also headers that come from a
 * real litecoind, which has to be there (`scripts/install-nodes.sh`).
 */
import { type Area, type Findings, type Options, orGap } from "./Area.ts"
import { type Bar, judge } from "./Bars.ts"
import * as Contenders from "./bitcoin/Contenders.ts"
import type * as DecodeEnd from "./bitcoin/DecodeEnd.ts"
import type * as HeaderEnd from "./bitcoin/HeaderEnd.ts"
import type { Name as MixName } from "./bitcoin/Mixes.ts"
import * as Syncing from "./bitcoin/Syncing.ts"
import { End } from "./End.ts"
import { type Figure, Ledger } from "./Measurement.ts"

const decodeFile = new URL("bitcoin/DecodeEnd.ts", import.meta.url)
const headerFile = new URL("bitcoin/HeaderEnd.ts", import.meta.url)

/** What is decoded: a mix of messages, with the ids of its headers if they are asked for. */
interface Work {
  readonly name: string
  readonly mix: MixName
  readonly ids: boolean
}

const decoding: ReadonlyArray<Work> = [
  { name: "decode small messages", mix: "control", ids: false },
  { name: "decode inv", mix: "inv", ids: false },
  { name: "decode tx", mix: "tx", ids: false },
  { name: "decode headers of 2,000", mix: "headers", ids: false },
  { name: "decode headers of 2,000, with ids", mix: "headers", ids: true },
  { name: "decode a block of 3,000 transactions", mix: "block", ids: false }
]
const syncing = "headers from litecoind"
const verifying = "verify headers of 2,000"
const limits = { holdfast: "holdfast", "node:crypto": "node:crypto, bare loop", sodium: "sodium, bare loop" } as const
const checks: ReadonlyArray<HeaderEnd.Check> = ["holdfast", "node:crypto", "sodium"]

/** Milliseconds of a figure; as long before it for the code to be compiled. */
const lasting = (quick: boolean): number => (quick ? 100 : 1_000)

const more = (work: string, metric: string, unit: string, value: number): Figure => ({
  work,
  metric,
  unit,
  better: "more",
  value
})

/** All works of one contender, in a process of its own. */
const decodes = async (contender: Contenders.Name, { quick }: Options): Promise<ReadonlyArray<Figure>> => {
  const end = new End<DecodeEnd.Functions>(decodeFile, { arguments: [contender] })
  try {
    const figures: Array<Figure> = []
    for (const { ids, mix, name } of decoding) {
      const amount = { mix, ids, millis: lasting(quick) }
      await end.call("decode", amount)
      const { bytes, messages, micros } = await end.call("decode", amount)
      figures.push(more(name, "messages", "1/s", (messages / micros) * 1e6))
      figures.push(more(name, "bytes", "MB/s", bytes / micros))
    }
    return figures
  } finally {
    await end.stop()
  }
}

const verifies = async (check: HeaderEnd.Check, { quick }: Options): Promise<ReadonlyArray<Figure>> => {
  const end = new End<HeaderEnd.Functions>(headerFile, { arguments: [check] })
  try {
    const amount = { check, millis: lasting(quick) }
    await end.call("rate", amount)
    return [more(verifying, "headers", "1/s", await end.call("rate", amount))]
  } finally {
    await end.stop()
  }
}

/** Headers without their ids are no bar: ours have them in any case, and nobody can use any without. */
const bars: ReadonlyArray<Bar> = [
  ...decoding
    .filter(({ ids, mix }) => ids || mix !== "headers")
    .flatMap(({ name }) =>
      Contenders.peers.map((peer): Bar => {
        const place = { work: name, metric: "messages" }
        return { ours: { ...place, contender: "holdfast" }, theirs: { ...place, contender: peer }, asked: 5 }
      })
    ),
  { ours: { work: verifying, metric: "headers", contender: limits.holdfast }, asked: 1_000_000 }
]

const measure = async (options: Options): Promise<Findings> => {
  const { peers, progress, quick, runs } = options
  const ledger = new Ledger()
  const names: ReadonlyArray<Contenders.Name> = ["holdfast", ...(peers ? Contenders.peers : [])]
  for (let run = 0; run < runs; run++) {
    // Each run begins with another contender, so that nobody always comes after the same one.
    for (const contender of names.map((_, i) => names[(i + run) % names.length]!)) {
      progress(`bitcoin, run ${run + 1} of ${runs}: ${contender} decodes`)
      await orGap(contender === "holdfast", options, async () =>
        ledger.add(run, contender, await decodes(contender, options))
      )
    }
    for (const check of checks.map((_, i) => checks[(i + run) % checks.length]!)) {
      progress(`bitcoin, run ${run + 1} of ${runs}: ${limits[check]}, headers`)
      ledger.add(run, limits[check], await verifies(check, options))
    }
  }
  if (peers) {
    progress("bitcoin: litecoind makes blocks, and gives their headers")
    await orGap(false, options, () =>
      Syncing.measure(runs, quick ? 2_100 : 4_100, (run, contender, rate) =>
        ledger.add(run, contender, [more(syncing, "headers", "1/s", rate)])
      )
    )
  }
  const order = (work: string): number => [...decoding.map(({ name }) => name), verifying, syncing].indexOf(work)
  const columns = [
    "holdfast",
    ...Contenders.peers,
    limits["node:crypto"],
    limits.sodium,
    ...Syncing.contenders.slice(1)
  ]
  const measurements = [...ledger.measurements].sort(
    (a, b) => order(a.work) - order(b.work) || columns.indexOf(a.contender) - columns.indexOf(b.contender)
  )
  return { measurements, verdicts: judge(peers ? bars : bars.slice(-1), measurements) }
}

export const bitcoin: Area = {
  title: "Bitcoin",
  ours: ["holdfast"],
  notes: [
    "Streams of messages in frames of BSV's regtest, made of test/vectors/bitcoin, fed in pieces of 64 KiB to decoders of new connections; each contender in a process of its own. All messages and all their items are counted, or there is no figure.",
    "Rates are by processor time of the whole process, the collection of garbage included, so that what else runs on the machine matters less.",
    "Everybody computes the checksum of every message and decodes its payload, but bsv-p2p, which does not look into getheaders. Nobody hashes transactions or computes merkle roots (bsv-p2p: `validate: false`), and nobody answers.",
    "holdfast gives ids and hashes as text in the order that explorers show, and computes the id of each header. bsv-p2p gives them as bytes in that order, bitcoin-protocol as bytes of the wire.",
    "With ids: bsv-p2p is asked for `getHash` of each header; bitcoin-protocol has no ids, its headers are encoded with its own codec and hashed twice with node:crypto.",
    "The streams have only what all of them decode: bitcoin-protocol ends its stream at commands that it does not know, such as sendcmpct, and at a version with an association id.",
    "Headers from litecoind: from the dial to the last of 4,100, in three pages over loopback, into stores in memory. The bare loop asks for the next page with the id of the last header, and looks at nothing else: how fast the server gives them. Its proof of work is scrypt, which we do not check.",
    "Verified: decoded, hashed twice, in line with the one before, and with its proof of work. The bare loops hash 80 bytes twice and do nothing else."
  ],
  measure
}
