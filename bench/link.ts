/**
 * The link benchmark: two processes, one connection over loopback, the same work for every contender.
 */
import { type Area, type Findings, type Options, orGap } from "./Area.ts"
import { End } from "./End.ts"
import * as Contenders from "./link/Contenders.ts"
import type { Functions } from "./link/LinkEnd.ts"
import type { Address } from "./link/Line.ts"
import { type Figure, latencies, Ledger } from "./Measurement.ts"

type LinkEnd = End<Functions>

const file = new URL("link/LinkEnd.ts", import.meta.url)
const sizes = [
  { size: 100, name: "100 B" },
  { size: 1_024, name: "1 KiB" },
  { size: 65_536, name: "64 KiB" }
]

/** How much of everything. */
const amounts = (quick: boolean) =>
  quick
    ? { warmUp: 20, connects: 30, round: 500, floodMillis: 200, idle: 100 }
    : { warmUp: 100, connects: 400, round: 5_000, floodMillis: 1_500, idle: 1_000 }
type Amounts = ReturnType<typeof amounts>

/** Both ends, which are gone afterwards. */
const between = async <A>(
  contender: Contenders.Name,
  roles: readonly [string, string],
  use: (near: LinkEnd, far: LinkEnd) => Promise<A>
): Promise<A> => {
  const near: LinkEnd = new End(file, { arguments: [contender, roles[0]] })
  const far: LinkEnd = new End(file, { arguments: [contender, roles[1]] })
  try {
    return await use(near, far)
  } finally {
    await Promise.all([near.stop(), far.stop()])
  }
}

const first = (addresses: ReadonlyArray<Address>): Address => {
  const [address] = addresses
  if (address === undefined) throw new Error("the other end does not listen")
  return address
}

const connecting = async (dialler: LinkEnd, address: Address, { connects, warmUp }: Amounts) => {
  await dialler.call("connects", { address, times: warmUp })
  const { answered, live } = await dialler.call("connects", { address, times: connects })
  return [...latencies("connect and authenticate", live), ...latencies("the same, to the first answer", answered)]
}

/** Messages one way for a while. What was sent must have been counted at the other side, or there is no figure. */
const flooding = async (dialler: LinkEnd, listener: LinkEnd, { floodMillis }: Amounts) => {
  const figures: Array<Figure> = []
  for (const { name, size } of sizes) {
    await dialler.call("flood", { size, millis: floodMillis / 3 })
    await listener.call("counted", undefined)
    const { messages, millis } = await dialler.call("flood", { size, millis: floodMillis })
    const count = await listener.call("counted", undefined)
    if (count.messages !== messages || count.bytes !== messages * size) {
      throw new Error(`${messages} messages of ${size} B were sent, ${count.messages} came (${count.bytes} B)`)
    }
    const work = `one way, ${name}`
    figures.push({ work, metric: "rate", unit: "messages/s", better: "more", value: (messages / millis) * 1_000 })
  }
  return figures
}

const conversation = (contender: Contenders.Name, amount: Amounts) =>
  between(contender, ["dials", "listens"], async (dialler, listener) => {
    const address = first(await listener.call("listen", 1))
    const connects = await connecting(dialler, address, amount)
    await dialler.call("dial", address)
    await dialler.call("pings", amount.round / 5)
    const pings = latencies("ping", await dialler.call("pings", amount.round))
    await dialler.call("requests", { size: 64, times: amount.round / 5 })
    const requests = latencies(
      "request and reply, 64 B",
      await dialler.call("requests", { size: 64, times: amount.round })
    )
    return [...connects, ...pings, ...requests, ...(await flooding(dialler, listener, amount))]
  })

/** What an idle connection costs the side that is one node among many others. */
const idling = (contender: Contenders.Name, direction: "accepted" | "dialled", amount: Amounts) => {
  // A connection of libp2p takes 20 times as long to make.
  const idle = contender === "libp2p" ? Math.ceil(amount.idle / 5) : amount.idle
  return between(contender, [`one-${direction}`, "crowd"], async (one, crowd) => {
    const connect = async (times: number) =>
      direction === "accepted"
        ? crowd.call("crowd", { address: own, times })
        : one.call("gather", await crowd.call("listen", times))
    const own = first(await one.call("listen", 1))
    // What the first connections bring along, such as compiled code, is not theirs.
    await connect(idle)
    const before = await one.call("memory", undefined)
    await connect(idle)
    const after = await one.call("memory", undefined)
    const figure = (metric: string, bytes: number): Figure => ({
      work: `idle connection, ${direction}`,
      metric,
      unit: "KB",
      better: "less",
      value: bytes / idle / 1_000
    })
    return [figure("heap", after.heap - before.heap), figure("RSS", after.rss - before.rss)]
  })
}

const measure = async (options: Options): Promise<Findings> => {
  const { peers, progress, quick, runs } = options
  const ledger = new Ledger()
  const amount = amounts(quick)
  const names: ReadonlyArray<Contenders.Name> = [
    "holdfast",
    ...Contenders.yardsticks,
    ...(peers ? Contenders.peers : [])
  ]
  for (let run = 0; run < runs; run++) {
    // Each run begins with another contender, so that nobody always comes after the same one.
    for (const contender of names.map((_, i) => names[(i + run) % names.length]!)) {
      progress(`link, run ${run + 1} of ${runs}: ${contender}`)
      await orGap(contender === "holdfast", options, async () => {
        const conversed = await conversation(contender, amount)
        const accepted = await idling(contender, "accepted", amount)
        const dialled = await idling(contender, "dialled", amount)
        ledger.add(run, contender, [...conversed, ...accepted, ...dialled])
      })
    }
  }
  const order = (measurement: { readonly contender: string }): number =>
    names.findIndex((name) => name === measurement.contender)
  const measurements = [...ledger.measurements].sort(
    (a, b) => works(a.work) - works(b.work) || a.metric.localeCompare(b.metric) || order(a) - order(b)
  )
  return { measurements }
}

const inOrder = [
  "connect and authenticate",
  "the same, to the first answer",
  "ping",
  "request and reply, 64 B",
  ...sizes.map(({ name }) => `one way, ${name}`),
  "idle connection, accepted",
  "idle connection, dialled"
]
const works = (work: string): number => inOrder.indexOf(work)

export const link: Area = {
  title: "Link",
  ours: ["holdfast"],
  notes: [
    "Loopback, one connection, each end in a process of its own, log level Warn.",
    "holdfast: Noise XX or IK, HELLO and COMMIT; the dialler is the follower of the pair. Messages are volatile frames; one way they are given to `Session.sendAll` 64 KiB at a time.",
    "node:net authenticates nobody and encrypts nothing. node:tls is TLS 1.3 with a P-256 certificate at both sides, nothing resumed.",
    "One way: byte streams are given writes of 64 KiB filled with framed messages; the time ends with the answer to a request behind the last message, and the receiver's count is compared.",
    "The ping is the heartbeat's own (libp2p: its ping service); byte streams send back 8 bytes.",
    "Idle: heap and resident memory of a process that accepted, or dialled, so many connections with different identities, after a forced collection."
  ],
  measure
}
