/**
 * How a simulated network behaves when nothing is wrong with it: latency, bandwidth, windows, loss. Data, part of every
 * plan; every figure has the range in which a swarm draws it.
 *
 * Times are milliseconds, with fractions down to the microsecond; sizes are bytes.
 */
import { Schema } from "effect"

const millis = (maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum }))
const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** One way: `floor` for everything, an exponential part with this mean, and now and then `tail` times all of it. */
export const Latency = Schema.Struct({
  floor: millis(60_000),
  mean: millis(60_000),
  tailShare: share,
  tail: Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }))
})
export type Latency = typeof Latency.Type

export const NetModel = Schema.Struct({
  latency: Latency,
  /** Bits a second in each direction of a connection; 0 is without limit. */
  bandwidth: count(0, 100_000_000_000),
  /** Bytes that are under way or unread in one direction before a writer waits. */
  window: count(1, 64 * 1024 * 1024),
  /** Share of packets lost, each way. A stream loses nothing by it: what is lost comes later (200 ms, 600 ms, 1.4 s ...). */
  loss: share,
  /** The most bytes that arrive as one chunk; the sizes are drawn from 1 to this. 0 keeps chunks as they were written. */
  chunk: count(0, 1024 * 1024),
  /** Connections that may wait to be accepted at one listener. */
  backlog: count(1, 4_096),
  /** Open connections that one host may have. */
  connections: count(1, 1_000_000)
})
export type NetModel = typeof NetModel.Type

/** A quick and quiet network. */
export const calm: NetModel = {
  latency: { floor: 0.5, mean: 0.5, tailShare: 0, tail: 1 },
  bandwidth: 0,
  window: 256 * 1024,
  loss: 0,
  chunk: 0,
  backlog: 511,
  connections: 65_536
}
