/**
 * A node with a chain as a process of its own: as users compose one, on the embedded database or on PostgreSQL, over TCP. Whoever
 * has started it calls the functions below.
 */
import { Effect, Layer, ManagedRuntime, Redacted, References, Result, Stream } from "effect"
import { createHash } from "node:crypto"
import * as End from "../../../bench/End.ts"
import * as ChainBlocksSql from "../../../src/layers/ChainBlocksSql.ts"
import * as ChainHeadersSql from "../../../src/layers/ChainHeadersSql.ts"
import * as TransactionsSql from "../../../src/layers/TransactionsSql.ts"
import * as Composition from "../../../src/programs/Composition.ts"
import * as Address from "../../../src/protocol/Address.ts"
import type { ChainSettings } from "../../../src/protocol/chain/Genesis.ts"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import { Chain } from "../../../src/services/chain/Chain.ts"
import type { ChainEvent } from "../../../src/services/chain/ChainEvent.ts"
import { CurrentTerm, Ownership } from "../../../src/services/delivery/Ownership.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { Registry } from "../../../src/services/link/Registry.ts"
import { Supervisor } from "../../../src/services/link/Supervisor.ts"
import { Node } from "../../../src/services/Node.ts"
import * as Fill from "./Fill.ts"
import * as Place from "./Place.ts"

export interface Opening {
  readonly place: Place.Place
  readonly settings: ChainSettings
  /** Makes blocks when it is its turn. */
  readonly produce?: boolean
  /** The port of this machine that others are told to dial, such as a proxy's; where it listens by default. */
  readonly advertise?: number
  /** Where it listens; a free port by default. */
  readonly port?: number
}

const link: LinkConfig.Config = {
  ...LinkConfig.defaults,
  heartbeat: Heartbeat.profiles.default,
  firstDialDelay: 0,
  // A node that dies again and again is what this is about; it must not be left alone for it.
  redial: { ...LinkConfig.defaults.redial, baseMillis: 100, capMillis: 1_000, starts: 10_000 }
}

const chain = ({ produce, settings }: Opening) =>
  Chain.layer<never>({ settings, produce }).pipe(
    Layer.provide(Layer.mergeAll(ChainBlocksSql.layer, ChainHeadersSql.layer, TransactionsSql.layer))
  )

/** What was there before anybody was dialled. */
let found: Seen["tip"] = { height: 0, id: "" }
const finding = Layer.effectDiscard(Effect.map(Chain, (blocks) => void (found = blocks.tip())))

const makeRuntime = (opening: Opening) => {
  const { data, database } = opening.place
  const options = {
    data,
    database: database === undefined ? undefined : Redacted.make(database),
    maxConnections: 5,
    listen: { host: "127.0.0.1", port: opening.port ?? 0 },
    ...(opening.advertise === undefined ? {} : { advertise: { host: "127.0.0.1", port: opening.advertise } }),
    protocols: [],
    link
  }
  const node = Layer.unwrap(
    Effect.gen(function* () {
      const term = yield* (yield* Ownership).own
      return Layer.provide(Composition.node<never>(options), Layer.succeed(CurrentTerm, term))
    })
  )
  return ManagedRuntime.make(
    node.pipe(
      Layer.provideMerge(finding),
      Layer.provideMerge(chain(opening)),
      Layer.provideMerge(Composition.standing<never>({ ...options, standby: false })),
      Layer.provideMerge(Layer.succeed(References.MinimumLogLevel, "Error")),
      Layer.provideMerge(Layer.succeed(References.TracerEnabled, false))
    )
  )
}

/** What happened since it was opened; of the chain's own events how often. */
export interface Seen {
  readonly tip: { readonly height: number; readonly id: string }
  readonly events: Readonly<Record<string, number>>
  /** Sessions that have begun. */
  readonly sessions: number
  /** Why connections have ended that were no session yet, and sessions. */
  readonly ended: ReadonlyArray<string>
}

/** When the tip was another one last, and the longest time between two in milliseconds, the first of which comes after the dial. */
let tipped: number | undefined
let stood = 0

let seen: Seen = { tip: { height: 0, id: "" }, events: {}, sessions: 0, ended: [] }
const waiting = new Set<() => void>()
const change = (part: Partial<Seen>): void => {
  seen = { ...seen, ...part }
  for (const look of waiting) look()
}
const until = (shown: (seen: Seen) => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (!shown(seen)) return
      waiting.delete(look)
      resolve()
    }
    waiting.add(look)
    look()
  })

const happened = (event: ChainEvent): void => {
  if (event._tag === "Tip") {
    const now = End.now()
    stood = Math.max(stood, (now - (tipped ?? now)) / 1e6)
    tipped = now
  }
  const events = { ...seen.events, [event._tag]: (seen.events[event._tag] ?? 0) + 1 }
  change(event._tag === "Tip" ? { events, tip: { height: event.height, id: event.id } } : { events })
}

const watch = Effect.gen(function* () {
  const [blocks, registry] = [yield* Chain, yield* Registry]
  change({ tip: blocks.tip() })
  const owned = { startImmediately: true }
  yield* Effect.forkDetach(
    Stream.runForEach(blocks.events, (event) => Effect.sync(() => happened(event))),
    owned
  )
  const moves = Stream.runForEach(registry.transitions, ({ reason, to }) =>
    Effect.sync(() => {
      if (to === "active") change({ sessions: seen.sessions + 1 })
      if (to === "closed") change({ ended: [...seen.ended, reason ?? ""].slice(-100) })
    })
  )
  yield* Effect.forkDetach(moves, owned)
})

let opened: ReturnType<typeof makeRuntime> | undefined
const runtime = (): ReturnType<typeof makeRuntime> => {
  if (opened === undefined) throw new Error("the node is not open")
  return opened
}

/** Lets so many turns of the event loop pass. */
const turn = async (count: number): Promise<void> => {
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve))
}

const functions = {
  key: Place.keyOf,
  fill: Fill.fill,
  /** Returns once the node is ready; its address. */
  open: async (opening: Opening): Promise<string> => {
    opened = makeRuntime(opening)
    const { address } = await opened.runPromise(Node)
    await opened.runPromise(watch)
    return String(address)
  },
  close: async (): Promise<void> => {
    await opened?.dispose()
    opened = undefined
  },
  /** Dials it, now and again; the nanoseconds of `End.now` when that begins. */
  connect: async (address: string): Promise<number> => {
    const at = End.now()
    await runtime().runPromise(
      Effect.gen(function* () {
        const to = yield* Effect.fromResult(Address.parse(address))
        yield* (yield* Node).connect(to)
      })
    )
    return at
  },
  forget: (address: string): Promise<void> =>
    runtime().runPromise(
      Effect.gen(function* () {
        const { key } = yield* Effect.fromResult(Address.parse(address))
        yield* (yield* Node).forget(key)
      })
    ),
  /** Returns once the chain is at least so high, and so many turns of the event loop after that; the height then. */
  reached: async ({ height, turns = 0 }: { readonly height: number; readonly turns?: number }): Promise<number> => {
    await until(({ tip }) => tip.height >= height)
    await turn(turns)
    return seen.tip.height
  },
  /** Returns once this block is the tip; when it was. */
  agreed: async (id: string): Promise<number> => {
    await until(({ tip }) => tip.id === id)
    return End.now()
  },
  /** Returns once so many sessions have begun, and so many connections have ended. */
  met: ({ ended = 0, sessions = 0 }: { readonly ended?: number; readonly sessions?: number }): Promise<void> =>
    until((now) => now.sessions >= sessions && now.ended.length >= ended),
  seen: (): Seen => seen,
  /** The longest time between two tips, in milliseconds. */
  stood: (): number => stood,
  /** Returns once a peer is waited for after a connection with it has ended: why, and for how many milliseconds. */
  given: async (
    address: string
  ): Promise<{ readonly reason: string; readonly detail: string; readonly waits: number }> => {
    const { key } = Result.getOrThrow(Address.parse(address))
    for (;;) {
      const watches = await runtime().runPromise(Supervisor.use((supervisor) => supervisor.watches))
      const { lastEnded, nextDialInMillis } = watches.find(({ peer }) => peer === key) ?? {}
      if (lastEnded !== undefined && nextDialInMillis !== undefined) return { ...lastEnded, waits: nextDialInMillis }
      await turn(1)
    }
  },
  /** The tip before the node dialled anybody. */
  found: (): Seen["tip"] => found,
  tip: async (): Promise<Seen["tip"]> => (await runtime().runPromise(Chain)).tip(),
  /** Makes so many blocks; the last of them. */
  produce: async (count: number): Promise<Seen["tip"]> => {
    const blocks = await runtime().runPromise(Chain)
    for (let at = 0; at < count; at++) await runtime().runPromise(blocks.produce)
    return blocks.tip()
  },
  /** The hash of the ids of all blocks from the first up to a height. */
  digest: (to: number): Promise<string> =>
    runtime().runPromise(
      Effect.gen(function* () {
        const blocks = yield* Chain
        const hash = createHash("sha256")
        let height = 0
        while (height < to) {
          const page = yield* blocks.blocks(height, Math.min(1_000, to - height))
          if (page.length === 0) break
          for (const { header } of page) hash.update(header.id)
          height += page.length
        }
        return `${height} ${hash.digest("hex")}`
      })
    ),
  /** Checks all that is stored; how high it is. Fails where something is broken. */
  verify: (): Promise<number> =>
    runtime().runPromise(
      Effect.gen(function* () {
        let height = 0
        yield* Stream.runForEach((yield* Chain).verify, (verified) => Effect.sync(() => (height = verified.height)))
        return height
      })
    )
}
export type Functions = typeof functions

End.serve(functions, () => opened?.dispose())
