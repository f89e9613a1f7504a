/**
 * What the configuration says about links, delivery and credit, as those services take it.
 */
import * as Heartbeat from "../protocol/link/Heartbeat.ts"
import type { ClassLimit } from "../protocol/link/RateLimit.ts"
import * as Credit from "../services/credit/CreditConfig.ts"
import * as Delivery from "../services/delivery/DeliveryConfig.ts"
import * as Link from "../services/link/LinkConfig.ts"
import type { Values } from "./Settings.ts"

const { rates } = Link.defaults

/** A limit with another rate, and as many seconds' worth of it at once, delayed and dropped. */
const scaled = (limit: ClassLimit, perSecond: number): ClassLimit => {
  const factor = perSecond / limit.perSecond
  return { perSecond, burst: limit.burst * factor, delays: limit.delays * factor, drops: limit.drops * factor }
}

export const link = (values: Values): Link.Config => ({
  ...Link.defaults,
  heartbeat: Heartbeat.profiles[values.heartbeat],
  redial: {
    ...Link.defaults.redial,
    baseMillis: values.redialFirst,
    capMillis: values.redialLongest,
    starts: values.breakerStarts,
    openMillis: values.breakerPause,
    maxOpenMillis: Math.max(values.breakerPause, Link.defaults.redial.maxOpenMillis)
  },
  queue: { ...Link.defaults.queue, bulkBytes: values.sendQueue, controlBytes: values.controlQueue },
  handshakeTimeout: values.handshakeTimeout,
  writeTimeout: values.writeTimeout,
  probeTimeout: values.probeTimeout,
  admission: {
    policy: values.admission,
    perIpMax: values.peersPerHost,
    // One for each session, and one more that takes its place; lanes do not count.
    connections: 2 * values.maxSessions
  },
  eviction: { ...Link.defaults.eviction, graceMillis: values.evictionGrace, reserved: values.reservedSessions },
  rates: {
    ...rates,
    ping: scaled(rates.ping, values.controlRate),
    pong: scaled(rates.pong, values.controlRate),
    control: scaled(rates.control, values.controlRate),
    gossip: scaled(rates.gossip, values.gossipRate)
  },
  maxHandshakes: values.maxHandshakes,
  maxHandshakesPerHost: values.maxHandshakesPerHost,
  acceptRate: { burst: values.acceptsPerHost, perSecond: values.acceptsPerHost },
  maxSessions: values.maxSessions,
  maxDials: values.maxDials,
  sessionQueue: values.receiveQueue
})

export const delivery = (values: Values): Delivery.Config => ({
  ...Delivery.defaults,
  window: { messages: values.inFlight, bytes: values.inFlightBytes },
  batch: { messages: values.batchMessages, bytes: values.batchBytes },
  batchTime: values.batchTime,
  receiptTimeout: values.receiptTimeout,
  sweep: values.sweep,
  poisonAttempts: values.parkAfter,
  appliedWindow: values.keepIds,
  appliedIds: values.keepIdsPerPeer,
  keepEvents: values.keepEvents
})

/** None of them means everybody. */
const decidesFor = (all: Values["creditDecidesFor"]): Credit.Config["decidesFor"] =>
  all.length === 0 || all.includes("everybody")
    ? "everybody"
    : new Set(all.flatMap((one) => (one === "everybody" || one === "nobody" ? [] : [one])))

export const credit = (values: Values): Credit.Config => ({
  ...Credit.defaults,
  liftLifeMillis: values.creditLiftLife,
  mostQueries: values.creditQueries,
  referees: values.creditReferees,
  decidesFor: decidesFor(values.creditDecidesFor),
  place: values.creditAddress
})
