/**
 * What announcements must do in any network, each as a run of one seed that gives a sentence if it does not hold: for
 * the tests, and for the planted bugs that prove them.
 */
import { Announcements, defaults } from "../../src/protocol/gossip/Announcements.ts"
import { announcement, bodyOf, epoch, GossipModel, hostOf, keyOf, network, signerOf, verify } from "./GossipModel.ts"
import { seeded } from "./Malformed.ts"

const minute = 60_000
const hour = 60 * minute

export const properties = [
  "everybody is known",
  "nobody is echoed",
  "floods are bounded",
  "the gone are forgotten",
  "nobody is misled"
] as const
export type Property = (typeof properties)[number]

/** A tree with some more links. */
const connected = (model: GossipModel, nodes: number, more: number, skew: number): void => {
  for (let number = 0; number < nodes; number++) {
    model.add(skew)
    if (number > 0) model.connect(number, model.below(number))
  }
  for (let i = 0; i < more; i++) model.connect(model.below(nodes), model.below(nodes))
}

/** Whom the stated nodes do not know as they should: where they are now. */
const strangers = (model: GossipModel, numbers: ReadonlyArray<number>, hosts: ReadonlyMap<number, string>) =>
  numbers.flatMap((one) =>
    numbers
      .filter((other) => model.knows(one, other)?.host !== (hosts.get(other) ?? hostOf(other)))
      .map((other) => `${one} knows ${other} at ${model.knows(one, other)?.host ?? "no host"}`)
  )

const accused = (model: GossipModel): ReadonlyArray<string> =>
  model.nodes.flatMap(({ number, violations }) => violations.map((violation) => `${number} accuses: ${violation}`))

const sentence = (...lists: ReadonlyArray<ReadonlyArray<string>>): string | undefined => {
  const all = lists.flat()
  return all.length === 0 ? undefined : all.slice(0, 3).join("; ")
}

/** More is known than one frame carries: a newcomer is told of all of it. */
const toldAll = (seed: number): ReadonlyArray<string> => {
  const model = new GossipModel(seed)
  const [one, other] = [model.add().number, model.add().number]
  const session = model.node(one).machine.join(keyOf(99), "private", 0)
  const many = Array.from({ length: 80 }, (_, index) => announcement(100 + index))
  for (let at = 0; at < many.length; at += 32) {
    model.node(one).machine.receive(session, bodyOf(...many.slice(at, at + 32)), { now: 0, wall: epoch })
  }
  model.node(one).machine.leave(session)
  model.connect(one, other)
  model.run(minute)
  const { length } = model.node(other).machine.known
  return length === 82 ? [] : [`a newcomer was told of ${length} nodes instead of 82`]
}

/**
 * Links come and go, nodes restart elsewhere, frames are lost: a minute after the last of it everybody knows where
 * everybody is, and what was lost is made up for by the renewals; for a day.
 */
const everybodyIsKnown = (seed: number): string | undefined => {
  const model = new GossipModel(seed)
  const nodes = 2 + model.below(12)
  const hosts = new Map<number, string>()
  connected(model, nodes, model.below(nodes), defaults.skewMillis)
  const numbers = model.nodes.map(({ number }) => number)
  for (let change = model.below(8); change > 0; change--) {
    model.run(model.below(20_000))
    const [one, other] = [model.below(nodes), model.below(nodes)]
    const what = model.below(3)
    if (what === 0) model.connect(one, other)
    // A new start, and a change of address, within the time in which a node is news once.
    else if (what === 1) {
      hosts.set(one, hostOf(1_000 + change))
      model.restart(one, hostOf(1_000 + change))
    } else {
      model.cut(one, other)
      model.run(model.below(5_000))
      model.connect(one, other)
    }
  }
  model.run((nodes + 1) * defaults.repeatMillis + minute)
  const atOnce = strangers(model, numbers, hosts)
  model.loss = 0.5
  model.run(2 * minute)
  const mover = model.below(nodes)
  hosts.set(mover, hostOf(2_000))
  model.restart(mover, hostOf(2_000))
  model.run(2 * minute)
  model.loss = 0
  model.run(defaults.lifeMillis / 2 + (nodes + 1) * defaults.repeatMillis)
  const madeUp = [...strangers(model, numbers, hosts), ...toldAll(seed)]
  for (let left = 18; left > 0; left--) {
    model.run(hour)
    madeUp.push(...strangers(model, numbers, hosts))
  }
  return sentence(atOnce, madeUp, accused(model))
}

/**
 * In a tree each announcement takes each link once. With more links it takes each once in each direction at the most, and
 * when everybody knows it nothing is said any more.
 */
const nobodyIsEchoed = (seed: number): string | undefined => {
  const found: Array<string> = []
  for (const more of [0, 6]) {
    const model = new GossipModel(seed)
    const nodes = 3 + model.below(10)
    connected(model, nodes, 0, 0)
    for (let i = 0; i < more; i++) model.connect(model.below(nodes), model.below(nodes))
    const links = model.nodes.reduce((sum, { sessions }) => sum + sessions.size, 0) / 2
    model.run(5 * minute)
    const most = more === 0 ? nodes * links : 2 * nodes * links
    const least = nodes * (nodes - 1)
    if (model.records > most || model.records < least) {
      found.push(
        `${model.records} announcements over ${links} links between ${nodes} nodes, ${least} to ${most} are due`
      )
    }
    if (model.sentAt > nodes * 2_000) found.push(`something was said after ${model.sentAt} ms`)
    if (model.shortest < defaults.sendMillis) found.push(`a frame came ${model.shortest} ms after another`)
    found.push(...accused(model))
  }
  return sentence(found)
}

const few = { ...defaults, nodes: 24, nodesPerPeer: 14, pushedOut: 100, patience: Number.POSITIVE_INFINITY }

/**
 * Two nodes make up others, one as fast as it may and the other faster: no node keeps more than its limits, each link
 * carries no more than its rate, whoever was known stays known, and somebody who comes later is known by its neighbours.
 */
const floodsAreBounded = (seed: number): string | undefined => {
  const model = new GossipModel(seed, few)
  const nodes = 4 + model.below(5)
  connected(model, nodes, 3, 0)
  const target = model.below(nodes)
  const [fair, rude, behind] = [model.add().number, model.add().number, model.add().number]
  model.connect(fair, target)
  model.connect(fair, behind)
  model.run(minute)
  const numbers = model.nodes.map(({ number }) => number).filter((number) => number !== rude)
  const before = model.records
  let invented = 0
  const lie = (liar: number) => {
    const issuedMillis = epoch + model.now
    // New nodes, and the first of them again and again.
    const made = Array.from({ length: 3 }, () => announcement(10_000 * liar + ++invented, { issuedMillis }))
    const again = Array.from({ length: 3 }, (_, i) =>
      announcement(10_000 * liar + 1 + i, { issuedMillis: issuedMillis + 1 })
    )
    model.say(liar, target, bodyOf(...made, ...again))
  }
  const liesOf = (liar: number) =>
    model.node(target).machine.known.filter(({ key }) => key > keyOf(10_000 * liar) && key < keyOf(10_000 * (liar + 1)))
  for (const end = model.now + minute; model.now < end; model.run(500)) lie(fair)
  const share = liesOf(fair).length
  model.connect(rude, target)
  const flooding = 6 * minute
  for (const end = model.now + flooding; model.now < end; model.run(250)) {
    lie(rude)
    if (model.now % 500 === 0) lie(fair)
  }
  const late = model.add().number
  model.connect(late, target)
  model.run(minute)
  const found: Array<string> = [...strangers(model, numbers, new Map()), ...accused(model)]
  for (const { machine, number } of model.nodes) {
    if (machine.known.length > few.nodes + 1) found.push(`${number} knows ${machine.known.length} nodes`)
  }
  if (share > few.nodesPerPeer) found.push(`${share} lies of one peer are believed`)
  if (share === 0 || liesOf(rude).length === 0) found.push("no lie is believed: the flood has not begun")
  if (model.knows(target, late) === undefined) found.push("the one that came later is not known")
  if (model.knows(late, target) === undefined) found.push("the one that came later knows nobody")
  const links = model.nodes.reduce((sum, { sessions }) => sum + sessions.size, 0) / 2
  // Of each link and node: once as new, and then as often as a node may be news.
  const most = 2 * links * few.nodes * (2 + flooding / few.repeatMillis) + 200
  if (model.records - before > most) found.push(`${model.records - before} announcements for ${most} at the most`)
  const looked = Object.values(model.node(target).machine.counts).reduce((sum, count) => sum + count, 0)
  const due = 6 * (2 * few.frames.burst + (few.frames.perSecond * (flooding + minute)) / 1_000) + 2_000
  if (looked > due) found.push(`${looked} announcements were looked at, ${due} at the most are due`)
  return sentence(found)
}

/** What a liar from far away says of others, or of places that it must not send anybody to, is not believed, nor is it told of such. */
const nobodyIsMisled = (seed: number): string | undefined => {
  const random = seeded(seed)
  const self = keyOf(1)
  const own = { host: "1.2.3.4", port: 4_000, signer: signerOf(self) }
  const machine = new Announcements({ self, network, own, verify })
  const at = { now: 0, wall: epoch }
  const near = machine.join(keyOf(2), "private", 0)
  const far = machine.join(keyOf(3), "public", 0)
  machine.receive(near, bodyOf(announcement(4), announcement(5, { host: "1.1.1.1" })), at)
  const told = machine.flush(at).batches.flatMap(({ records, to }) => (to.includes(far) ? records : []))
  const found = told.filter(({ host }) => host === hostOf(4)).map(({ host }) => `${host} was told far away`)
  const places = [
    "127.0.0.1",
    "::1",
    "10.0.0.1",
    "192.168.0.1",
    "fd00::1",
    "169.254.169.254",
    "0.0.0.0",
    "127.1",
    "0177.0.0.1",
    "a.org"
  ]
  const misleading = places.map((host, index) => announcement(100 + index, { host }))
  misleading.push(announcement(120, { host: "1.1.1.2", port: 22 }))
  misleading.push(announcement(121, { host: "1.1.1.2", issuedMillis: epoch + 2 * defaults.skewMillis }))
  misleading.push(announcement(122, { host: "1.1.1.2", issuedMillis: epoch - defaults.lifeMillis }))
  misleading.push(announcement(5, { host: "1.1.1.3", issuedMillis: epoch - 1 }))
  misleading.sort(() => random() - 0.5)
  const many = Array.from({ length: 32 }, (_, index) => announcement(200 + index, { host: "8.8.8.8" }))
  const forged = { ...announcement(6, { host: "1.1.1.4" }), key: keyOf(5), issuedMillis: epoch + 1 }
  for (const records of [misleading, many]) {
    const violation = machine.receive(far, bodyOf(...records), at)
    if (violation !== undefined) found.push(violation)
  }
  if (machine.receive(far, bodyOf(forged), at) === undefined) found.push("a forged one is no violation")
  const believed = (from: number, to: number) =>
    machine.known.filter(({ key }) => key >= keyOf(from) && key < keyOf(to)).map(({ host, port }) => `${host}:${port}`)
  found.push(...believed(100, 200).map((place) => `${place} is believed`))
  if (believed(200, 300).length !== defaults.nodesPerHost) found.push(`${believed(200, 300).length} at one host`)
  if (believed(5, 6)[0] !== "1.1.1.1:4000") found.push(`the known node is believed to be at ${believed(5, 6)[0]}`)
  return sentence(found)
}

/** A node that is gone is known for as long as it said and no longer, and nothing is said of it after. */
const theGoneAreForgotten = (seed: number): string | undefined => {
  const model = new GossipModel(seed)
  const nodes = 3 + model.below(6)
  connected(model, nodes, 3, 0)
  const gone = nodes - 1
  model.run(minute)
  model.stop(gone)
  const others = model.nodes.map(({ number }) => number).filter((number) => number !== gone)
  model.run(defaults.lifeMillis - 3 * minute)
  const found = others
    .filter((number) => model.knows(number, gone) === undefined && model.node(number).sessions.size > 0)
    .map((number) => `${number} has forgotten too early`)
  model.run(4 * minute)
  for (const number of others) {
    const { machine } = model.node(number)
    if (machine.known.some(({ key }) => key === keyOf(gone))) found.push(`${number} still knows it`)
  }
  const newcomer = model.add().number
  model.connect(newcomer, others[0]!)
  model.run(5 * minute)
  if (model.knows(newcomer, gone) !== undefined) found.push("somebody hears of it after its end")
  return sentence(found, accused(model))
}

const runs: Record<Property, (seed: number) => string | undefined> = {
  "everybody is known": everybodyIsKnown,
  "nobody is echoed": nobodyIsEchoed,
  "floods are bounded": floodsAreBounded,
  "the gone are forgotten": theGoneAreForgotten,
  "nobody is misled": nobodyIsMisled
}

/** How the property is broken in a network of this seed; nothing if it holds. */
export const broken = (property: Property, seed: number): string | undefined => runs[property](seed)
