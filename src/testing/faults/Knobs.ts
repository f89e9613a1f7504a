/**
 * Figures of the nodes that a plan sets otherwise than production does: rare corners of the code are common with a
 * window of one message or a queue of one frame. What a plan leaves out is as in production.
 */
import { Schema } from "effect"
import { profiles } from "../../protocol/link/Heartbeat.ts"
import * as Delivery from "../../services/delivery/DeliveryConfig.ts"
import * as Link from "../../services/link/LinkConfig.ts"

const count = (minimum: number, maximum: number) =>
  Schema.optional(Schema.Int.check(Schema.isBetween({ minimum, maximum })))
const millis = count(1, 3_600_000)

export const Knobs = Schema.Struct({
  heartbeat: Schema.optional(Schema.Literals(["fast", "default", "relaxed"])),
  handshakeTimeout: millis,
  writeTimeout: millis,
  probeTimeout: millis,
  firstDialDelay: count(0, 3_600_000),
  /** The largest first wait before a peer is dialled again. */
  redialBase: millis,
  /** Bytes of one write. */
  writeBytes: count(1, 16 * 1024 * 1024),
  /** Frames that wait for their handler. */
  sessionQueue: count(1, 65_536),
  /** Messages that a sender runs ahead of the receipts, and those of one DATA frame. */
  window: count(1, 4_096),
  batch: count(1, 1_024),
  /** Bytes of either; the last message may pass them. */
  windowBytes: count(1, 4 * 1024 * 1024),
  batchBytes: count(1, 1024 * 1024),
  receiptTimeout: millis,
  batchTime: millis,
  sweep: millis
})
export type Knobs = typeof Knobs.Type

/** The figures of the link layer under these knobs. */
export const linkConfig = (knobs: Knobs): Link.Config => {
  const { defaults } = Link
  return {
    ...defaults,
    heartbeat: knobs.heartbeat === undefined ? defaults.heartbeat : profiles[knobs.heartbeat],
    handshakeTimeout: knobs.handshakeTimeout ?? defaults.handshakeTimeout,
    writeTimeout: knobs.writeTimeout ?? defaults.writeTimeout,
    probeTimeout: knobs.probeTimeout ?? defaults.probeTimeout,
    firstDialDelay: knobs.firstDialDelay ?? defaults.firstDialDelay,
    redial: { ...defaults.redial, baseMillis: knobs.redialBase ?? defaults.redial.baseMillis },
    queue: { ...defaults.queue, writeBytes: knobs.writeBytes ?? defaults.queue.writeBytes },
    sessionQueue: knobs.sessionQueue ?? defaults.sessionQueue
  }
}

/** The figures of delivery under these knobs. */
export const deliveryConfig = (knobs: Knobs): Delivery.Config => {
  const { defaults } = Delivery
  return {
    ...defaults,
    window: {
      messages: knobs.window ?? defaults.window.messages,
      bytes: knobs.windowBytes ?? defaults.window.bytes
    },
    batch: { messages: knobs.batch ?? defaults.batch.messages, bytes: knobs.batchBytes ?? defaults.batch.bytes },
    receiptTimeout: knobs.receiptTimeout ?? defaults.receiptTimeout,
    batchTime: knobs.batchTime ?? defaults.batchTime,
    sweep: knobs.sweep ?? defaults.sweep
  }
}
