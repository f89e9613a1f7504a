/**
 * The link tests that take long, with the times and numbers of production: `npm run soak:links`.
 *
 * Each part prints its figures as one line of JSON, with the load of the machine when it began and when it was over, and
 * what is wrong with them. Ends with 1 if anything is.
 */
import { Effect } from "effect"
import { parseArgs } from "node:util"
import { load, machine } from "../../../bench/Machine.ts"
import * as Heartbeat from "../../../src/protocol/link/Heartbeat.ts"
import * as Redial from "../../../src/protocol/link/Redial.ts"
import * as Churn from "./Churn.ts"
import * as Frozen from "./Frozen.ts"
import * as HalfOpen from "./HalfOpen.ts"
import * as Hangups from "./Hangups.ts"
import * as HubReturn from "./HubReturn.ts"
import * as IdleCpu from "./IdleCpu.ts"
import * as Mesh from "./Mesh.ts"
import * as MutualDials from "./MutualDials.ts"
import * as Steady from "./Steady.ts"

/** What a part found, and what of it should not be: what must hold by what it should be. */
interface Found {
  readonly figures: unknown
  readonly rules: Readonly<Record<string, boolean>>
}

const mesh = Effect.gen(function* () {
  const figures = yield* Effect.scoped(Mesh.run({ machines: 25, rounds: 20, leaving: 5 }))
  const { complete, most, sessions } = figures
  return { figures, rules: { "300 sessions": sessions === 300, "24 peers": most === 24, "10 s": complete <= 10_000 } }
})

const mutual = (inFlight: number) =>
  Effect.gen(function* () {
    const figures = yield* Effect.scoped(MutualDials.run({ pairs: 1_000, inFlight, calm: 2_000 }))
    return { figures: { inFlight, ...figures }, rules: { "half of them cross": figures.crossed >= 500 } }
  })

const noticed = (profile: Frozen.Profile) =>
  Effect.gen(function* () {
    const figures = yield* Frozen.noticed(profile)
    const { late, silent } = figures
    return {
      figures,
      rules: {
        "not before the time-out": silent >= Heartbeat.profiles[profile].timeout,
        "within the bound": silent <= Frozen.bounds[profile] + late + 100
      }
    }
  })

const blocked = Effect.map(Frozen.blocked(20_000, 5), (figures) => ({ figures, rules: {} }))

const halfOpen = Effect.gen(function* () {
  const each = (it: HalfOpen.Case) => Effect.map(HalfOpen.run(it), (found) => ({ ...it, ...found }))
  const figures = yield* Effect.orDie(Effect.forEach(HalfOpen.cases, each))
  return { figures, rules: { "two dials": figures.every(({ dials }) => dials <= 2) } }
})

const hub = (clients: number) =>
  Effect.gen(function* () {
    const admission = { burst: 5, perSecond: 25 }
    const figures = yield* HubReturn.run({ clients, away: 60_000, admission, scale: 1 })
    return {
      figures,
      rules: {
        "all are back": figures.clients === clients,
        "within a minute": figures.all <= 60_000,
        "half of them within 25 s": figures.half <= 25_000,
        "no stampede": figures.peak <= 3 * admission.perSecond,
        "not in step": Math.max(figures.crest, figures.crestAway) <= clients / 12
      }
    }
  })

const hangups = Effect.gen(function* () {
  const figures = yield* Effect.forEach(Hangups.kinds, (kind) => Hangups.run({ kind, span: 300_000, scale: 1 }), {
    concurrency: "unbounded"
  })
  const few = figures.every(
    ({ inMinute, kind }) => inMinute <= (kind === "after the session's start" ? Redial.defaults.starts + 1 : 20)
  )
  return { figures, rules: { "few dials in a minute": few } }
})

const churn = Effect.gen(function* () {
  const figures = yield* Churn.run({ cycles: 10_000, warmUp: 10_000 })
  const left = JSON.stringify(figures.before) !== JSON.stringify(figures.after)
  return { figures, rules: { "a heap that stays": figures.growth < 1, "nothing is left": !left } }
})

const idle = (peers: number) =>
  Effect.gen(function* () {
    const figures = yield* IdleCpu.run({ peers, heartbeat: "default", span: 30_000 })
    return { figures, rules: { "1 % of a core": figures.cpu <= 1 } }
  })

const steady = (minutes: number) =>
  Effect.gen(function* () {
    const figures = yield* Effect.promise(() => Steady.run({ minutes, onProgress: (line) => console.error(line) }))
    const every = (holds: (node: Steady.NodeFigures) => boolean) => figures.nodes.every(holds)
    return {
      figures,
      rules: {
        "two peers each": every(({ sessions }) => sessions === 2),
        "no disconnection": every(({ ended }) => ended === 0),
        "99 % of pings": every(({ pingSuccess }) => pingSuccess > 99),
        "a heap that stays": every(({ heap: [middle, end] }) => end < middle + 1),
        "5 % of a core": every(({ cpu }) => cpu < 5)
      }
    }
  })

const parts = (minutes: number): Readonly<Record<string, ReadonlyArray<Effect.Effect<Found>>>> => ({
  mesh: [mesh],
  mutual: [mutual(8), mutual(1)],
  frozen: [noticed("fast"), noticed("default"), blocked],
  relaxed: [noticed("relaxed")],
  "half-open": [halfOpen],
  hub: [hub(200), hub(500)],
  hangups: [hangups],
  churn: [churn],
  idle: [idle(100), idle(300)],
  steady: [steady(minutes)]
})

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    only: { type: "string" },
    help: { type: "boolean", default: false }
  }
})

const usage = `long tests of links, with the times of production

  --minutes <n>   how long three nodes are left alone (60)
  --only <parts>  some of them, with commas: ${Object.keys(parts(1)).join(", ")}

They take an hour and a half, of which the part steady is one hour. Figures are worth something on a machine that
does nothing else.
`

const soak = async (): Promise<void> => {
  const minutes = Number(values.minutes)
  if (!Number.isFinite(minutes) || minutes < 1)
    throw new Error(`--minutes is a number from 1 on, not "${values.minutes}"`)
  const all = parts(minutes)
  const chosen = values.only?.split(",") ?? Object.keys(all)
  const unknown = chosen.find((name) => !(name in all))
  if (unknown !== undefined) throw new Error(`--only has "${unknown}", give some of: ${Object.keys(all).join(", ")}`)
  console.log(JSON.stringify(machine()))
  for (const name of chosen) {
    for (const part of all[name] ?? []) {
      const before = load()
      const { figures, rules } = await Effect.runPromise(part)
      const broken = Object.keys(rules).filter((rule) => rules[rule] === false)
      console.log(JSON.stringify({ part: name, figures, broken, load: [before, load()] }))
      if (broken.length > 0) process.exitCode = 1
    }
  }
}

if (values.help) console.log(usage)
else {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))
  soak().catch((error: unknown) => {
    console.error(error)
    process.exitCode = 1
  })
}
