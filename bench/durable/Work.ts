/**
 * What every contender of the durable benchmark does: a producer commits messages, a consumer in another process
 * commits one plain insert for each. The figures come from the consumer's database.
 */

/** Bytes of a message's body. */
export const bodyBytes = 200

/** How messages are committed at the producer. */
export type How =
  /** A transaction each, so many in flight. */
  | { readonly _tag: "Single"; readonly inFlight: number }
  /** Senders that share commits. */
  | { readonly _tag: "Grouped"; readonly senders: number }
  /** Transactions of so many, a few in flight. */
  | { readonly _tag: "Batch"; readonly size: number; readonly inFlight: number }

export interface Job {
  readonly how: How
  readonly count: number
  /** The number of the first message; they count up. */
  readonly from: number
}

/** So many messages a second, evenly, whatever becomes of them. */
export interface Pace {
  readonly perSecond: number
  readonly count: number
  readonly from: number
}

/** What the consumer's database holds. */
export interface Tally {
  readonly rows: number
  readonly distinct: number
  readonly lowest: number
  readonly highest: number
}

/** What a producer in a process of its own can be asked. */
export interface Producer {
  /** Sends everything and returns when the last commit is done; the time of the first send, of the shared clock. */
  readonly send: (job: Job) => Promise<number>
  readonly pace: (pace: Pace) => Promise<void>
}

/** What a consumer in a process of its own can be asked. */
export interface Consumer {
  /** Empties the table of effects and gets ready for so many more. */
  readonly expect: (count: number) => Promise<void>
  /** Waits for them; the time of the commit that brought the last one. */
  readonly finished: () => Promise<number>
  readonly tally: () => Promise<Tally>
  /** Milliseconds from each send to the commit of its effect, since the last `expect`. */
  readonly delays: () => Float64Array
}

export const createEffects = "CREATE TABLE IF NOT EXISTS bench_effects (n integer NOT NULL, body text NOT NULL)"
export const emptyEffects = "TRUNCATE bench_effects"
export const tallyEffects = `
  SELECT count(*)::integer AS rows, count(DISTINCT n)::integer AS distinct,
    coalesce(min(n), 0) AS lowest, coalesce(max(n), 0) AS highest
  FROM bench_effects`

/** Parameters: numbers and bodies, as many of the one as of the other. */
export const insertEffects = "INSERT INTO bench_effects (n, body) SELECT * FROM unnest($1::integer[], $2::text[])"

/** A text of `size` characters. */
export const padding = (size: number): string => "message ".repeat(Math.ceil(size / 8)).slice(0, size)

/** A message as those send it that send JSON. */
export interface Parcel {
  readonly n: number
  /** A time of the shared clock, or not positive if nobody asks for the delay. */
  readonly sentAt: number
  readonly body: string
}

const frame = JSON.stringify({ n: 100_000, sentAt: -1, body: "" } satisfies Parcel).length
const body = padding(bodyBytes - frame)

/** As many bytes of JSON as a message of ours has of CBOR, give or take the digits of its number. */
export const parcel = (n: number, sentAt = -1): Parcel => ({ n, sentAt, body })
