/**
 * What announcements must do in any network, each as a run of one seed that gives a sentence if it does not hold: for
 * the tests, and for the planted bugs that prove them.
 */
import { defaults } from "../../src/protocol/gossip/Announcements.ts"
import { announcement, bodyOf, epoch, GossipModel, hostOf, keyOf } from "./GossipModel.ts"

const minute = 60_000
const hour = 60 * minute

export const properties = [
  "everybody is known",
  "nobody is echoed",
  "floods are bounded",
  "the gone are forgotten"
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
  const madeUp = strangers(model, numbers, hosts)
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

const few = { ...defaults, nodes: 60, nodesPerPeer: 20, pushedOut: 100 }

/**
 * One node makes up others as fast as it may: no node keeps more than its limits, each link carries no more than its rate,
 * whoever was known stays known, and somebody who comes later is known by its neighbours.
 */
const floodsAreBounded = (seed: number): string | undefined => {
  const model = new GossipModel(seed, few)
  const nodes = 4 + model.below(5)
  connected(model, nodes, 3, 0)
  const numbers = model.nodes.map(({ number }) => number)
  model.run(minute)
  const liar = model.add().number
  const target = model.below(nodes)
  model.connect(liar, target)
  model.run(1_000)
  const before = model.records
  let invented = 10_000
  const flooding = 6 * minute
  const began = model.now
  while (model.now < began + flooding) {
    // New nodes, and the first of them again and again.
    const made = Array.from({ length: 3 }, () => announcement(++invented, { issuedMillis: epoch + model.now }))
    const again = Array.from({ length: 3 }, (_, i) => announcement(10_001 + i, { issuedMillis: epoch + model.now }))
    model.say(liar, target, bodyOf(...made, ...again))
    model.run(500)
  }
  const late = model.add().number
  model.connect(late, target)
  model.run(minute)
  const found: Array<string> = [...strangers(model, numbers, new Map()), ...accused(model)]
  for (const { machine, number } of model.nodes) {
    if (number !== liar && machine.known.length > few.nodes + 1)
      found.push(`${number} knows ${machine.known.length} nodes`)
  }
  const lies = model.node(target).machine.known.filter(({ key }) => key >= keyOf(10_000)).length
  if (lies > few.nodesPerPeer) found.push(`${lies} lies are believed`)
  if (lies === 0) found.push("no lie is believed: the flood has not begun")
  if (model.knows(target, late) === undefined) found.push("the one that came later is not known")
  if (model.knows(late, target) === undefined) found.push("the one that came later knows nobody")
  const links = model.nodes.reduce((sum, { sessions }) => sum + sessions.size, 0) / 2
  // Of each link and lie: once as new, and then as often as a node may be news.
  const most = 2 * links * few.nodesPerPeer * (2 + flooding / few.repeatMillis) + 1_000
  if (model.records - before > most) found.push(`${model.records - before} announcements for ${most} at the most`)
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
  "the gone are forgotten": theGoneAreForgotten
}

/** How the property is broken in a network of this seed; nothing if it holds. */
export const broken = (property: Property, seed: number): string | undefined => runs[property](seed)
