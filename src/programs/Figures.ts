/**
 * What the configuration says about links and delivery, as those services take it.
 */
import * as Heartbeat from "../protocol/link/Heartbeat.ts"
import * as Delivery from "../services/delivery/DeliveryConfig.ts"
import * as Link from "../services/link/LinkConfig.ts"
import type { Values } from "./Settings.ts"

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
  maxHandshakes: values.maxHandshakes,
  maxHandshakesPerHost: values.maxHandshakesPerHost,
  acceptRate: { burst: values.acceptsPerHost, perSecond: values.acceptsPerHost },
  maxSessions: values.maxSessions,
  maxDials: values.maxDials,
  sessionQueue: values.receiveQueue
})

export const delivery = (values: Values): Delivery.Config => ({
  ...Delivery.defaults,
  window: { ...Delivery.defaults.window, messages: values.inFlight },
  receiptTimeout: values.receiptTimeout
})
