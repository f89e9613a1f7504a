import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { keysOf } from "../../../src/testing/faults/EntryKey.ts"
import { families, familyNames } from "../../../src/testing/faults/Families.ts"
import { Fault, type FaultKind, FaultPlan } from "../../../src/testing/faults/FaultPlan.ts"
import { Knobs } from "../../../src/testing/faults/Knobs.ts"
import { generate, type Profile, profileNames, profiles } from "../../../src/testing/faults/Swarm.ts"
import { hopeless } from "../../../src/testing/faults/Validity.ts"
import { calm } from "../../../src/testing/network/NetModel.ts"

const decode = Schema.decodeUnknownSync(FaultPlan)
const seeds = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, seed) => seed)

/** As JSON, because that is what tells plans apart. */
const text = (plan: FaultPlan): string => JSON.stringify(plan)

const share = (count: number, holds: (seed: number) => boolean): number => seeds(count).filter(holds).length / count

/** Fault kinds that belong to each family, by what it draws. */
const kindsOf = (profile: Profile, count: number): Map<FaultKind, number> => {
  const found = new Map<FaultKind, number>()
  for (const seed of seeds(count)) {
    const kinds = new Set(generate(seed, profile).faults.map(({ fault }) => fault._tag))
    for (const kind of kinds) found.set(kind, (found.get(kind) ?? 0) + 1)
  }
  return found
}

/** Whether its ghosts are so late that everybody is away until then. */
const isHaunted = ({ duration }: FaultPlan): boolean => duration > 3_600_000

describe("generate", () => {
  it("makes plans that the schema takes, that survive JSON, and that may succeed, for 5,000 seeds", () => {
    for (const seed of seeds(5_000)) {
      const profile = profileNames[seed % profileNames.length]!
      const plan = generate(seed, profile)
      assert.deepStrictEqual(decode(JSON.parse(text(plan))), plan, `seed ${seed}, ${profile}`)
      assert.strictEqual(hopeless(plan), undefined, `seed ${seed}, ${profile}`)
    }
  })

  it("makes the same plan of the same seed, and other plans of others", () => {
    for (const profile of profileNames) {
      const plans = seeds(50).map((seed) => text(generate(seed, profile)))
      assert.deepStrictEqual(
        plans,
        seeds(50).map((seed) => text(generate(seed, profile)))
      )
      assert.isTrue(new Set(plans).size >= 49, profile)
    }
  })

  it("draws sizes of short runs, unless it is told others", () => {
    const plans = seeds(500)
      .map((seed) => generate(seed, "swarm"))
      .filter((plan) => !isHaunted(plan))
    assert.deepStrictEqual([...new Set(plans.map(({ nodes }) => nodes))].toSorted(), [3, 4, 5])
    assert.isTrue(plans.every(({ duration }) => duration >= 10_000 && duration <= 40_000))
    for (const seed of seeds(200)) {
      const plan = generate(seed, "all-faults", { nodes: 2, duration: 5_000, operations: 7 })
      assert.deepStrictEqual([plan.nodes, plan.duration, plan.operations], [2, 5_000, 7])
      assert.deepStrictEqual(decode(JSON.parse(text(plan))), plan)
      assert.isTrue(plan.faults.every(({ when }) => !("at" in when) || when.at < 5_000))
    }
  })

  it("has more faults in longer runs, and a bound on them", () => {
    const count = (duration: number) =>
      seeds(30).reduce((sum, seed) => sum + generate(seed, "all-faults", { duration }).faults.length, 0) / 30
    assert.isTrue(count(300_000) > 4 * count(30_000))
    const plan = generate(1, "all-faults", { duration: 86_400_000 })
    assert.isTrue(plan.faults.length < 3_000)
    decode(JSON.parse(text(plan)))
  })

  it("leaves everything alone in a calm plan but the order of tasks", () => {
    for (const seed of seeds(200)) {
      const plan = generate(seed, "calm")
      assert.deepStrictEqual([plan.faults, plan.network, plan.knobs], [[], calm, undefined])
    }
  })

  it("leaves each family out of half of the swarm's plans, and never leaves everything out", () => {
    const kinds = kindsOf("swarm", 1_000)
    assert.deepStrictEqual([...kinds.keys()].toSorted(), (Object.keys(Fault.cases) as Array<FaultKind>).toSorted())
    for (const kind of ["Partition", "Ghost", "LateTimers", "Pause", "Silence", "SlowDatabase", "BitFlips"] as const) {
      const plans = kinds.get(kind) ?? 0
      assert.isTrue(plans > 430 && plans < 570, `${kind}: ${plans}`)
    }
    const sizes = seeds(1_000).map((seed) => generate(seed, "network").faults.length)
    assert.isTrue(Math.min(...sizes) > 0)
  })

  it("has every family in every plan of all faults", () => {
    const drawn = familyNames.filter((family) =>
      seeds(60).every((seed) => {
        const without = generate(seed, "all-faults", { without: [family] })
        return without.faults.length < generate(seed, "all-faults").faults.length
      })
    )
    assert.deepStrictEqual(drawn, familyNames)
    assert.deepStrictEqual(Object.keys(families), [...familyNames])
  })

  it("keeps to the families of its profile", () => {
    const allowed: Partial<Record<Profile, ReadonlyArray<FaultKind>>> = {
      crash: ["Kill", "Restart", "Pause", "RestoreBackup", "Buggify"],
      database: ["SlowDatabase", "FailingDatabase", "DatabaseRestart", "Kill", "RestoreBackup", "Buggify"],
      clock: ["ClockStep", "ClockDrift", "LateTimers", "Pause"]
    }
    for (const [profile, kinds] of Object.entries(allowed) as Array<[Profile, ReadonlyArray<FaultKind>]>) {
      assert.deepStrictEqual([...kindsOf(profile, 300).keys()].toSorted(), kinds.toSorted(), profile)
    }
    const network = [...kindsOf("network", 300).keys()]
    for (const kind of ["Kill", "Pause", "ClockStep", "FailingDatabase", "Buggify"] as const) {
      assert.notInclude(network, kind)
    }
  })

  it("lets the ghosts of some plans come an hour or thirty days later, while nobody is there", () => {
    const plans = seeds(1_000).map((seed) => generate(seed, "swarm"))
    const late = plans.filter(isHaunted)
    assert.isAbove(late.length, 50)
    assert.isBelow(late.length, 150)
    for (const { duration, faults, nodes, operations } of late) {
      const ages = faults.flatMap(({ fault }) => (fault._tag === "Ghost" ? [fault.after] : []))
      const away = faults.flatMap(({ fault }) => (fault._tag === "Kill" && fault.down >= 3_600_000 ? [fault] : []))
      assert.isTrue(Math.max(...ages) > away[0]!.down && Math.max(...ages) < duration)
      assert.strictEqual(away.length, nodes)
      assert.isAbove(operations, 10 * nodes)
      assert.isTrue(faults.every(({ fault, when }) => !("down" in fault) || "at" in when))
    }
    const downs = new Set(
      late.flatMap(({ faults }) => faults.flatMap(({ fault }) => ("down" in fault ? [fault.down] : [])))
    )
    assert.isTrue(downs.has(3_600_000) && downs.has(30 * 86_400_000))
    assert.isFalse(seeds(300).some((seed) => isHaunted(generate(seed, "swarm", { duration: 20_000 }))))
  })

  it("keeps what is wrong at one node, a different one in other plans", () => {
    const plans = seeds(200).map((seed) => generate(seed, "one-node"))
    const struck = plans.map(
      ({ faults }) => new Set(faults.flatMap(({ fault }) => ("node" in fault ? [fault.node] : [])))
    )
    assert.isTrue(struck.every(({ size }) => size === 1))
    assert.isTrue(plans.every(({ faults }) => faults.every(({ fault }) => "node" in fault)))
    assert.isAtLeast(new Set(struck.flatMap((nodes) => [...nodes])).size, 3)
    assert.isTrue(plans.every(({ knobs, network }) => knobs === undefined && network === calm))
  })

  it("moves no family by leaving another one out", () => {
    for (const seed of seeds(100)) {
      const all = generate(seed, "all-faults").faults.map((entry) => JSON.stringify(entry))
      const some = generate(seed, "all-faults", { without: ["close", "crash", "disk"] }).faults
      const left = some.map((entry) => JSON.stringify(entry))
      assert.deepStrictEqual(
        left,
        all.filter((entry) => left.includes(entry))
      )
      const gone = generate(seed, "all-faults").faults.filter((entry) => !left.includes(JSON.stringify(entry)))
      const kinds = new Set(gone.map(({ fault }) => fault._tag))
      assert.isTrue([...kinds].every((kind) => /Close|CloseAfter|Kill|Restart|RestoreBackup/.test(kind)))
    }
  })

  it("draws what does not belong together apart", () => {
    const plans = seeds(200).map((seed) => generate(seed, "swarm"))
    const cells = new Set(plans.map(({ network, schedule }) => `${network === calm} ${schedule.preemptEvery === 0}`))
    assert.strictEqual(cells.size, 4)
  })

  it("gives every entry dice of its own, however crowded the plan", () => {
    for (const seed of seeds(100)) {
      const keys = keysOf(generate(seed, "all-faults", { nodes: 2, duration: 600_000 }).faults)
      assert.strictEqual(new Set(keys).size, keys.length)
      assert.isTrue(keys.every((key) => !/#\d+$/.test(key)))
    }
  })

  it("uses every kind of trigger, times first and in their order", () => {
    const found = { at: 0, frame: 0, commit: 0, site: 0, event: 0 }
    for (const seed of seeds(300)) {
      const whens = generate(seed, "swarm").faults.map(({ when }) => when)
      for (const when of whens) found[Object.keys(when)[0] as keyof typeof found]++
      const times = whens.map((when) => ("at" in when ? when.at : Number.POSITIVE_INFINITY))
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => (a === b ? 0 : a - b))
      )
    }
    const all = Object.values(found).reduce((sum, times) => sum + times, 0)
    for (const [kind, times] of Object.entries(found)) assert.isTrue(times > all / 100, `${kind}: ${times} of ${all}`)
    assert.isTrue(found.at > all * 0.65)
  })

  it("picks tasks at random in 70 % of plans and by priorities in 30 %", () => {
    const uniform = share(2_000, (seed) => generate(seed, "calm").schedule.order === "uniform")
    assert.isTrue(Math.abs(uniform - 0.7) < 0.03, `${uniform}`)
  })

  it("uses PGlite in 5 % of plans if it may, and as it is told otherwise", () => {
    const pglite = share(4_000, (seed) => generate(seed, "calm", { database: "mixed" }).database === "pglite")
    assert.isTrue(Math.abs(pglite - 0.05) < 0.012, `${pglite}`)
    assert.strictEqual(generate(1, "swarm", { database: "pglite" }).database, "pglite")
    assert.strictEqual(
      share(200, (seed) => generate(seed, "swarm").database === "memory"),
      1
    )
  })

  it("spikes each figure of the network and the nodes in some plans, apart from the others", () => {
    const plans = seeds(2_000).map((seed) => generate(seed, "all-faults"))
    const networks = plans.map(({ network }) => network)
    const rare = {
      latency: networks.filter(({ latency }) => latency.floor > 30).length,
      window: networks.filter(({ window }) => window < 4_096).length,
      loss: networks.filter(({ loss }) => loss > 0.05).length,
      chunk: networks.filter(({ chunk }) => chunk > 0 && chunk < 64).length,
      backlog: networks.filter(({ backlog }) => backlog < 4).length,
      connections: networks.filter(({ connections }) => connections < 100).length
    }
    for (const [figure, count] of Object.entries(rare)) {
      assert.isTrue(count > 10 && count < 400, `${figure}: ${count}`)
    }
    const knobs = plans.flatMap((plan) => (plan.knobs === undefined ? [] : [plan.knobs]))
    for (const knob of Object.keys(Knobs.fields)) {
      const set = knobs.filter((drawn) => knob in drawn).length
      assert.isTrue(set > 100, `${knob}: ${set}`)
    }
    const calmNodes = seeds(500).filter((seed) => generate(seed, "swarm").knobs === undefined).length
    assert.isTrue(calmNodes > 80 && calmNodes < 170, `${calmNodes}`)
    assert.strictEqual(profiles.swarm.unusual, 75)
  })
})
