/**
 * Faults in words, for traces and reports.
 */
import { type Entry, Fault, type When } from "./FaultPlan.ts"
import type { Link } from "./Shapes.ts"

/** Without the digits that nobody reads. */
const short = (value: number): string => String(Number(value.toPrecision(6)))

/** Milliseconds as people write them. */
export const span = (millis: number): string => {
  if (millis < 1_000) return `${short(millis)} ms`
  if (millis < 600_000) return `${short(millis / 1_000)} s`
  return millis < 48 * 3_600_000
    ? `${Number((millis / 60_000).toFixed(1))} min`
    : `${Number((millis / 86_400_000).toFixed(2))} days`
}

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`

const where = ({ from, oneWay = false, to }: Link): string => {
  if (from === undefined && to === undefined) return "everywhere"
  if (oneWay) return `from ${from ?? "all"} to ${to ?? "all"}`
  return from === undefined || to === undefined ? `around ${from ?? to}` : `between ${from} and ${to}`
}

const lasts = (fault: { readonly for: number }): string => `for ${span(fault.for)}`

const lingers = (fault: { readonly for?: number | undefined }): string =>
  fault.for === undefined ? "" : `, for ${span(fault.for)}`

const nodes = (names: ReadonlyArray<string>): string => (names.length === 0 ? "" : ` ${names.join()}`)

export const describeWhen = (when: When): string => {
  if ("at" in when) return `at ${span(when.at)}`
  if ("frame" in when) {
    const { from, kind, nth, to } = when.frame
    return `after ${kind} ${nth} from ${from} to ${to}`
  }
  if ("commit" in when) return `after commit ${when.commit.nth} of ${when.commit.node}`
  if ("site" in when) return `at pass ${when.site.nth} of ${when.site.name} at ${when.site.node}`
  return `at event ${when.event}`
}

export const describeFault = (fault: Fault): string =>
  Fault.match(fault, {
    Partition: (f) => `partition ${lasts(f)}: ${f.shape}${nodes(f.side)}${f.oneWay === true ? ", one way" : ""}`,
    Stall: (f) => `stall ${where(f)} ${lasts(f)}`,
    Swizzle: (f) => `swizzle${nodes(f.nodes)} ${lasts(f)}, healing ${f.heal}`,
    Silence: (f) => `silence ${where(f)}`,
    Close: (f) => `close ${where(f)} with ${f.how}`,
    CloseAfter: (f) => `reset ${where(f)} after ${f.bytes} bytes${lingers(f)}`,
    Slow: (f) => `${span(f.latency.floor)} to ${span(f.latency.floor + f.latency.mean)} slower ${where(f)} ${lasts(f)}`,
    Bandwidth: (f) => `${f.bitsPerSecond} bit/s ${where(f)} ${lasts(f)}`,
    Loss: (f) => `${percent(f.share)} loss ${where(f)} ${lasts(f)}`,
    Chunks: (f) => `chunks of at most ${f.most} bytes ${where(f)} ${lasts(f)}`,
    Window: (f) => `windows of ${f.bytes} bytes ${where(f)} ${lasts(f)}`,
    BitFlips: (f) => `bits flip in ${percent(f.share)} of chunks ${where(f)} ${lasts(f)}`,
    Ghost: (f) => `what ${f.from} sent to ${f.to} comes again ${span(f.after)} later`,
    Dials: (f) =>
      `${percent(f.share)} of dials ${where(f)} ${f.how}${f.takes === undefined ? "" : ` (${span(f.takes)})`} ${lasts(f)}`,
    Backlog: (f) => `backlog of ${f.connections} at ${f.node} ${lasts(f)}`,
    Exhaustion: (f) => `at most ${f.connections} connections at ${f.node} ${lasts(f)}`,
    Dns: (f) => `the name of ${f.node} is ${f.how} ${lasts(f)}`,
    Move: (f) => `${f.node} moves to another address`,
    Kill: (f) => `kill ${f.node} for ${span(f.down)} with ${f.end}${f.wipe === true ? ", disk lost" : ""}`,
    Restart: (f) => `restart ${f.node} after ${span(f.down)}`,
    Pause: (f) => `pause ${f.node} ${lasts(f)}`,
    ClockStep: (f) => `the clock of ${f.node} jumps ${f.by < 0 ? "back" : "ahead"} by ${span(Math.abs(f.by))}`,
    ClockDrift: (f) => `the clock of ${f.node} drifts by ${f.partsPerMillion} ppm${lingers(f)}`,
    LateTimers: (f) => `${percent(f.share)} of timers of ${f.node} up to ${span(f.most)} late ${lasts(f)}`,
    SlowDatabase: (f) => `the database of ${f.node} is slower by ${span(f.latency.floor + f.latency.mean)} ${lasts(f)}`,
    FailingDatabase: (f) => `${percent(f.share)} of transactions of ${f.node} fail ${f.when} ${lasts(f)}`,
    DatabaseRestart: (f) => `the database of ${f.node} is down ${lasts(f)}`,
    RestoreBackup: (f) => `${f.node} comes back ${span(f.down)} later on its backup of ${span(f.takenAt)}`,
    Buggify: (f) => `${f.site} fires ${percent(f.share)} of the time at ${f.node} ${lasts(f)}`
  })

/** One line. */
export const describe = ({ fault, when }: Entry): string => `${describeWhen(when)}: ${describeFault(fault)}`
