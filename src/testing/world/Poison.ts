/**
 * What a run in virtual time must not touch, made to throw while it runs: the real clock, real timers, real randomness.
 * Whoever reaches for one is named with its call site, and the run fails whatever becomes of the exception.
 *
 * Native code that draws its own randomness is beyond this; two runs that differ show it.
 */
import { createRequire, syncBuiltinESMExports } from "node:module"

/** Something that reached out of the world. */
export interface Leak {
  /** As `Date.now`. */
  readonly what: string
  readonly stack: string
}

/** Leaks that are kept of one run. */
const maxLeaks = 16

type Holder = Record<string, unknown>

interface Target {
  readonly holder: Holder
  readonly key: string
  readonly name: string
}

const require = createRequire(import.meta.url)
const asHolder = (value: object): Holder => value as Holder

const named = (holder: object, prefix: string, keys: ReadonlyArray<string>): ReadonlyArray<Target> =>
  keys.filter((key) => key in holder).map((key) => ({ holder: asHolder(holder), key, name: `${prefix}${key}` }))

const timers = ["setTimeout", "setInterval", "setImmediate"]

const targets: ReadonlyArray<Target> = [
  ...named(globalThis, "", [...timers, "queueMicrotask", "fetch"]),
  ...named(Date, "Date.", ["now"]),
  ...named(Math, "Math.", ["random"]),
  ...named(performance, "performance.", ["now"]),
  ...named(process, "process.", ["hrtime", "nextTick"]),
  ...named(globalThis.crypto, "crypto.", ["getRandomValues", "randomUUID"]),
  ...named(require("node:crypto"), "node:crypto.", [
    "randomBytes",
    "randomFillSync",
    "randomFill",
    "randomInt",
    "randomUUID",
    "randomUUIDv7",
    "generateKeyPairSync",
    "generateKeySync"
  ]),
  ...named(require("node:timers"), "node:timers.", timers),
  ...named(require("sodium-native"), "sodium.", [
    "randombytes_buf",
    "randombytes_random",
    "randombytes_uniform",
    "crypto_box_keypair",
    "crypto_sign_keypair",
    "crypto_kx_keypair"
  ])
]

const RealDate = Date
const spoken = ["log", "info", "warn", "error", "debug"] as const

export class Poison {
  readonly leaks: Array<Leak> = []
  #saved: Array<readonly [Target, PropertyDescriptor | undefined]> | undefined
  readonly #silenced: Array<() => void> = []

  /** From now on every use throws. */
  spread(): void {
    if (this.#saved !== undefined) return
    this.#saved = targets.map((target) => {
      const { holder, key, name } = target
      const own = Object.getOwnPropertyDescriptor(holder, key)
      const value = name === "Math.random" ? () => this.#random() : () => this.#leak(name)
      Object.defineProperty(holder, key, { configurable: true, writable: true, value })
      return [target, own] as const
    })
    for (const name of spoken) {
      const speak = console[name]
      console[name] = (...words: ReadonlyArray<unknown>) => this.#outside(() => speak.apply(console, [...words]))
      this.#silenced.push(() => void (console[name] = speak))
    }
    globalThis.Date = this.#date()
    syncBuiltinESMExports()
  }

  /** Everything is as it was. */
  lift(): void {
    if (this.#saved === undefined) return
    globalThis.Date = RealDate
    for (const restore of this.#silenced.splice(0)) restore()
    for (const [{ holder, key }, own] of this.#saved) {
      if (own === undefined) delete holder[key]
      else Object.defineProperty(holder, key, own)
    }
    this.#saved = undefined
    syncBuiltinESMExports()
  }

  /** Printing is for people who look for a bug: it may use whatever it needs. */
  #outside(work: () => void): void {
    this.lift()
    try {
      work()
    } finally {
      this.spread()
    }
  }

  /** Dates of given times are fine; only the present is not. */
  #date(): DateConstructor {
    const leak = (name: string) => this.#leak(name)
    return new Proxy(RealDate, {
      construct: (target, args, newTarget) =>
        args.length === 0 ? leak("new Date()") : Reflect.construct(target, args, newTarget),
      apply: () => leak("Date()")
    })
  }

  /**
   * Where Effect combines two failures it drops reasons that are there twice, and finds them by a number that it gives
   * to every object once. Any will do, and nothing depends on it.
   */
  #random(): number {
    return deepStack().includes("dedupeReasons") ? 0.5 : this.#leak("Math.random")
  }

  #leak(what: string): never {
    const error = new Error(
      `${what} was used in a simulated world: take it from the Clock, Random or SecureRandom service`
    )
    if (this.leaks.length < maxLeaks) this.leaks.push({ what, stack: callSite(error) })
    throw error
  }
}

/** Where this was called, and by whom, and so on for as far as it matters. */
const deepStack = (): string => {
  const usual = Error.stackTraceLimit
  Error.stackTraceLimit = 200
  try {
    return new Error().stack ?? ""
  } finally {
    Error.stackTraceLimit = usual
  }
}

const callSite = ({ stack = "" }: Error): string =>
  stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !/world[\\/]Poison\.[jt]s/.test(line))
    .slice(0, 8)
    .map((line) => line.trim())
    .join("\n")
