/**
 * The settings of delivery: how far a sender runs ahead, how much goes at once, what is remembered and for how long.
 */
import { maxMessages } from "../../protocol/delivery/DeliveryFrame.ts"
import { maxAhead } from "../../protocol/delivery/Sequence.ts"
import * as Delivery from "../../services/delivery/DeliveryConfig.ts"
import { bytes, day, hour, kib, mib, number, second, time } from "./Setting.ts"

const { defaults } = Delivery

export const deliverySettings = {
  inFlight: number(
    "in-flight",
    1,
    maxAhead.messages,
    defaults.window.messages,
    "Messages sent to one peer ahead of its receipts"
  ),
  inFlightBytes: bytes(
    "in-flight-bytes",
    64 * kib,
    maxAhead.bytes,
    defaults.window.bytes,
    "The same in bytes of their bodies; the last one may pass it"
  ),
  batchMessages: number("batch-messages", 1, maxMessages, defaults.batch.messages, "Messages of one frame at the most"),
  batchBytes: bytes(
    "batch-bytes",
    kib,
    mib,
    defaults.batch.bytes,
    "The same in bytes of their bodies; the last one may pass it"
  ),
  batchTime: time(
    "batch-time",
    10,
    10 * second,
    defaults.batchTime,
    "How long a transaction of received messages takes further ones"
  ),
  receiptTimeout: time(
    "receipt-timeout",
    second,
    hour,
    defaults.receiptTimeout,
    "How long a peer may take to receipt messages"
  ),
  sweep: time("sweep", second, hour, defaults.sweep, "How often a node looks for work that nobody told it of"),
  parkAfter: number(
    "park-after",
    1,
    100,
    defaults.poisonAttempts,
    "Times that a message may crash its handler before it is put aside"
  ),
  keepIds: time(
    "keep-ids",
    hour,
    3_650 * day,
    defaults.appliedWindow,
    "How long ids of messages are remembered against those that a restored peer sends again"
  ),
  keepIdsPerPeer: number(
    "keep-ids-per-peer",
    1_000,
    100_000_000,
    defaults.appliedIds,
    "The same, of each peer at the most"
  ),
  keepEvents: time(
    "keep-events",
    hour,
    3_650 * day,
    defaults.keepEvents,
    "How long events are kept for readers that come back"
  )
} as const
