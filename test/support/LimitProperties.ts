/**
 * What bans, rates, the door and eviction must do, each as a run of one seed that gives a sentence if it does not hold:
 * for the planted bugs that prove them. Nothing here looks into the machines.
 */
import * as Ban from "../../src/protocol/link/Ban.ts"
import * as Eviction from "../../src/protocol/link/Eviction.ts"
import * as RateLimit from "../../src/protocol/link/RateLimit.ts"
import { Door } from "../../src/services/link/Acceptor.ts"
import { defaults as linkDefaults } from "../../src/services/link/LinkConfig.ts"
import type { Pending } from "../../src/services/link/Serving.ts"
import { seeded } from "./Malformed.ts"
import { nobodyIsSentNearer, strangersFillNothing } from "./StrangerProperties.ts"

const minute = 60_000
const day = 86_400_000

export const properties = [
  "bans keep their terms",
  "orders are kept",
  "rates are kept",
  "what was asked for never counts",
  "the door is open to everybody, a little",
  "those who were there stay",
  "near, useful and old ones stay",
  "chosen peers stay",
  "strangers fill nothing",
  "nobody is sent nearer"
] as const
export type Property = (typeof properties)[number]

type Run = (random: () => number) => string | undefined

const below = (random: () => number, n: number): number => Math.floor(random() * n)
const pick = <A>(random: () => number, list: ReadonlyArray<A>): A => list[below(random, list.length)]!

/** One subject that offends again and again, and what it deserves by the book. */
const terms: Run = (random) => {
  const { firstMillis, longestMillis, memoryMillis } = Ban.defaults
  const subject = Ban.ofHost("10.0.0.1")
  let now = 0
  let inARow = 0
  let [from, until] = [0, -Infinity]
  let known: Ban.Ban | undefined
  for (let n = 0; n < 200; n++) {
    now += pick(random, [1, minute, 10 * minute, 3 * 60 * minute, day, 2 * day, -2 * day])
    const inForce = now >= from && now < until
    if (known !== undefined && Ban.isActive(known, now) !== inForce) return `at ${now} it is in force: ${!inForce}`
    known = Ban.offended(Ban.defaults, subject, known, "why", now)
    if (!inForce) {
      inARow = now >= until + memoryMillis ? 1 : inARow + 1
      from = now
      until = now + Math.min(longestMillis, firstMillis * 2 ** (inARow - 1))
    }
    if (known.until !== until) return `a ban ends at ${known.until} instead of ${until}`
  }
  return undefined
}

/** A house full of bans, where an operator's must be left. */
const orders: Run = (random) => {
  const policy = { ...Ban.defaults, maxBans: 20 }
  const bans = new Map<Ban.Subject, Ban.Ban>()
  const asked = new Set<Ban.Subject>()
  for (let now = 0; now < 200; now++) {
    const subject = Ban.ofHost(`10.0.${below(random, 3)}.${below(random, 30)}`)
    const isOrder = asked.size < 10 && random() < 0.1
    if (isOrder) asked.add(subject)
    const known = bans.get(subject)
    bans.set(
      subject,
      isOrder
        ? Ban.ordered(policy, subject, known, { reason: "", forMillis: 1_000 }, now)
        : Ban.offended(policy, subject, known, "", now)
    )
    for (const gone of Ban.crowdedOut(policy, [...bans.values()], now)) bans.delete(gone)
    if (bans.size > policy.maxBans) return `${bans.size} bans are kept`
    for (const one of asked) if (bans.get(one)?.by !== "operator") return `the order about ${one} is gone`
    const newest = bans.get(subject)
    if (newest === undefined || !Ban.isActive(newest, now)) return `the ban of ${now} is not in force`
  }
  return undefined
}

const tight: RateLimit.Limits = {
  ping: { perSecond: 10, burst: 5, delays: 4, drops: 3 },
  pong: { perSecond: 10, burst: 5, delays: 4, drops: 3 },
  control: { perSecond: 7, burst: 6, delays: 2, drops: 5 },
  gossip: { perSecond: 20, burst: 10, delays: 0, drops: Number.POSITIVE_INFINITY },
  question: { perSecond: 15, burst: 8, delays: Number.POSITIVE_INFINITY, drops: 0 }
}
const classes = ["ping", "pong", "control", "gossip", "question"] as const

/** A peer that floods: what is handled keeps the rate, and it is told so in the right order, from quiet to quiet. */
const rates: Run = (random) => {
  const limit = new RateLimit.RateLimit(tight)
  const frame = pick(random, classes)
  const { burst, delays, drops, perSecond } = tight[frame]
  const handled: Array<number> = []
  let now = 0
  let seen = { delays: 0, drops: 0 }
  for (let n = 0; n < 300; n++) {
    now += pick(random, [0, 0, 0, 1, 5])
    if (random() < 0.02) {
      now += 60_000
      seen = { delays: 0, drops: 0 }
    }
    const answer = limit.step(frame, false, now)
    if (answer._tag === "Delay") {
      if (seen.drops > 0) return "a frame is delayed after one was dropped"
      if (++seen.delays > delays) return `more than ${delays} frames are delayed`
      now += answer.millis
    }
    if (answer._tag === "Drop") {
      if (seen.delays < delays) return `a frame is dropped after ${seen.delays} delays`
      if (++seen.drops > drops) return `more than ${drops} frames are dropped`
    }
    if (answer._tag === "Disconnect") {
      if (seen.drops < drops) return `the session ends after ${seen.drops} drops`
      return undefined
    }
    if (answer._tag !== "Drop") handled.push(now)
    const first = handled.findIndex((at) => at > now - 5_000)
    const most = burst + ((now - (handled[first] ?? now)) * perSecond) / 1_000
    if (handled.length - first > most + 1e-6) return `${handled.length - first} frames are handled where ${most} may be`
  }
  return undefined
}

/** A peer that answers however much it was asked, and says a little besides. */
const solicited: Run = (random) => {
  const limit = new RateLimit.RateLimit(tight)
  for (let now = 0; now < 1_000; now++) {
    const frame = pick(random, classes)
    const answer = limit.step(frame, true, now)
    if (answer._tag !== "Pass") return `a ${frame} that was asked for meets ${answer._tag}`
    if (now % 200 !== 0) continue
    for (const unasked of classes) {
      const other = limit.step(unasked, false, now)
      if (other._tag !== "Pass") return `one ${unasked} in 200 ms meets ${other._tag}`
    }
  }
  return undefined
}

/** One host knocks all the time, others now and then, somebody is banned, and handshakes take their time. */
const door: Run = (random) => {
  const config = { ...linkDefaults, maxHandshakes: 12, maxHandshakesPerHost: 3, acceptRate: { burst: 5, perSecond: 5 } }
  const pending = new Set<Pending>()
  const entry = new Door(
    config,
    () => pending,
    (ip) => ip === "10.0.0.66"
  )
  const taken: Array<number> = []
  for (let now = 0; now < 20_000; now += 50) {
    for (const one of pending) if (random() < 0.2) pending.delete(one)
    const ip = pick(random, ["10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.66", `10.0.1.${now / 50}`, "127.0.0.1"])
    const flooding = ip.endsWith("10.0.0.1")
    const all = pending.size
    const own = [...pending].filter(({ host }) => host === "10.0.0.1").length
    const isTaken = entry.objection(ip, now) === undefined
    if (ip === "10.0.0.66" && isTaken) return "who is banned gets in"
    if (isTaken && all >= config.maxHandshakes) return `${all + 1} handshakes are under way`
    if (isTaken && flooding && own >= config.maxHandshakesPerHost) return `${own + 1} of them are of one host`
    if (!isTaken && !flooding && ip !== "10.0.0.66" && all < config.maxHandshakes) return `${ip} is kept out`
    if (!isTaken) continue
    pending.add({ direction: "inbound", host: flooding ? "10.0.0.1" : ip })
    if (flooding) taken.push(now)
    const lately = taken.filter((at) => at > now - 4_000).length
    if (lately > 25) return `one host has got in ${lately} times in 4 s`
  }
  return undefined
}

const stranger = { direction: "inbound", desired: false } as const

/** A crowd comes for all slots, from one neighbourhood or from everywhere. */
const siege: Run = (random) => {
  const slots = 90
  const honest = 30
  const salt = below(random, 1_000_000)
  const isOnePlace = random() < 0.5
  let at = 10 * minute
  let there: ReadonlyArray<Eviction.Occupant> = Array.from({ length: honest }, (_, id) => ({
    ...stranger,
    id,
    neighbourhood: `10.${id}`,
    since: id * 1_000,
    rttMillis: id % 2 === 0 ? 10 + id / 10 : 500,
    usefulAt: id % 3 === 0 ? 9 * minute + id : undefined
  }))
  for (let id = honest; id < 1_500; id++) {
    at += 400
    const neighbourhood = isOnePlace ? "172.16" : `${1 + below(random, 200)}.${below(random, 200)}`
    const answer = Eviction.admit(Eviction.defaults, slots, there, { ...stranger, neighbourhood }, at, salt)
    if (answer._tag === "Refuse") continue
    if (answer._tag === "Evict") {
      const gone = there.find((one) => one.id === answer.id)
      if (gone === undefined || at - gone.since < minute) return "who has just come has to go"
      there = there.filter((one) => one.id !== answer.id)
    }
    there = [
      ...there,
      { ...stranger, id, neighbourhood, since: at, rttMillis: 100 + random() * 50, usefulAt: undefined }
    ]
    if (there.length > 60) return `strangers have ${there.length} of ${slots} slots`
  }
  const left = there.filter(({ id }) => id < honest)
  if (isOnePlace && left.length < honest) return `${left.length} of ${honest} are left of a crowd of one place`
  const near = left.filter(({ rttMillis }) => rttMillis !== undefined && rttMillis < 20).length
  if (near < 8) return `${near} of the nearest are left`
  const useful = left.filter(({ usefulAt }) => usefulAt !== undefined).length
  if (useful < 8) return `${useful} of the useful ones are left`
  return left.length > honest / 2 ? undefined : `${left.length} of ${honest} are left`
}

/** Strangers go one after the other until nobody may go any more. */
const worn: Run = (random) => {
  const { nearest, neighbourhoods, useful } = Eviction.defaults
  const all = Array.from({ length: 80 }, (_, id) => ({
    ...stranger,
    id,
    neighbourhood: `10.${below(random, 40)}`,
    since: below(random, 1_000_000),
    rttMillis: random() < 0.8 ? below(random, 1_000_000) : undefined,
    usefulAt: random() < 0.8 ? below(random, 1_000_000) : undefined
  }))
  const best = (count: number, of: (one: (typeof all)[number]) => number | undefined) =>
    all
      .filter((one) => of(one) !== undefined)
      .toSorted((a, b) => of(a)! - of(b)!)
      .slice(0, count)
  const near = best(nearest, ({ rttMillis }) => rttMillis)
  const last = best(useful, ({ usefulAt }) => (usefulAt === undefined ? undefined : -usefulAt))
  let there = all
  for (;;) {
    const gone = Eviction.victim(Eviction.defaults, there, 10_000_000, below(random, 1_000_000))
    if (gone === undefined) break
    if (near.some(({ id }) => id === gone.id)) return "one of the nearest has to go"
    if (last.some(({ id }) => id === gone.id)) return "one of the useful has to go"
    const older = there.filter(({ since }) => since < gone.since).length
    const safe = nearest + useful + neighbourhoods
    if (older < Math.floor((there.length - safe) / 2)) return `one has to go when ${older} of ${there.length} are older`
    there = there.filter(({ id }) => id !== gone.id)
  }
  return there.length <= nearest + useful + neighbourhoods ? undefined : `${there.length} are safe`
}

/** Slots full of all sorts. */
const chosen: Run = (random) => {
  const there = Array.from({ length: 60 }, (_, id) => ({
    id,
    direction: pick(random, ["inbound", "outbound"] as const),
    desired: random() < 0.3,
    neighbourhood: `10.${below(random, 5)}`,
    since: below(random, 100) * 1_000,
    rttMillis: below(random, 300),
    usefulAt: undefined
  }))
  const now = 10 * minute
  for (const desired of [false, true]) {
    const newcomer = { direction: pick(random, ["inbound", "outbound"] as const), desired, neighbourhood: "172.16" }
    const answer = Eviction.admit(Eviction.defaults, 60, there, newcomer, now, 1)
    if (answer._tag === "Admit") return "there is no room"
    const gone = answer._tag === "Evict" ? there[answer.id] : undefined
    if (gone !== undefined && (gone.desired || gone.direction === "outbound")) return "a chosen peer has to go"
    if (newcomer.direction !== "outbound" && !desired) continue
    const strangers = there.filter((one) => one.direction === "inbound" && !one.desired).length
    if (strangers > 20 && gone === undefined) return "nobody goes for a chosen peer"
    const own = Eviction.admit(Eviction.defaults, 90, there, newcomer, now, 1)
    if (own._tag !== "Admit") return "a chosen peer finds no room among its own"
  }
  return undefined
}

const runs: Readonly<Record<Property, Run>> = {
  "bans keep their terms": terms,
  "orders are kept": orders,
  "rates are kept": rates,
  "what was asked for never counts": solicited,
  "the door is open to everybody, a little": door,
  "those who were there stay": siege,
  "near, useful and old ones stay": worn,
  "chosen peers stay": chosen,
  "strangers fill nothing": strangersFillNothing,
  "nobody is sent nearer": nobodyIsSentNearer
}

/** What a run of this seed shows of a property that does not hold. */
export const broken = (property: Property, seed: number): string | undefined => runs[property](seeded(seed))
