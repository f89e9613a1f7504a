/**
 * What a failure file says, in words: the verdict, the run, its settings. The page and the text begin with it.
 */
import type { FailureFile } from "../campaign/FailureFile.ts"
import type { Verdict } from "../cluster/Verdict.ts"
import { span } from "../faults/Words.ts"
import type { Story } from "./Story.ts"

interface Headline {
  readonly tone: "bad" | "warn" | "good"
  readonly badge: string
  readonly words: string
}

export const headline = (verdict: Verdict): Headline => {
  switch (verdict._tag) {
    case "Held":
      return { tone: "good", badge: "held", words: "Everything held" }
    case "Unsafe":
      return { tone: "bad", badge: "unsafe", words: "Something happened that must never happen" }
    case "Stuck":
      return { tone: "bad", badge: "stuck", words: "Something that must happen did not happen in time" }
    case "Leaked":
      return { tone: "bad", badge: "leaked", words: "The run reached out of its world and cannot be replayed" }
    case "Broken":
      return { tone: "warn", badge: "broken", words: "The simulator, the scenario or a check is broken" }
    case "Hopeless":
      return {
        tone: "warn",
        badge: "hopeless",
        words: "The plan leaves no way to succeed: this says nothing about the code"
      }
  }
}

/** What the verdict is about, and its further lines. */
export const particulars = (verdict: Verdict): { readonly title: string; readonly more: string } => {
  switch (verdict._tag) {
    case "Held":
      return { title: "", more: "" }
    case "Unsafe":
    case "Stuck":
      return { title: verdict.property, more: verdict.detail }
    case "Leaked":
      return { title: `${verdict.what} was used`, more: verdict.stack }
    case "Broken":
    case "Hopeless":
      return { title: "", more: verdict.detail }
  }
}

/** The settings of a plan in words, by name. */
export const settings = ({ plan }: FailureFile): ReadonlyArray<readonly [name: string, words: string]> => {
  const { database, duration, network, nodes, operations, schedule } = plan
  const { floor, mean, tail, tailShare } = network.latency
  const way = `${span(floor)} and ${span(mean)} more on average${tailShare > 0 ? `, ${tailShare * 100} % of it × ${tail}` : ""}`
  const limits = [
    network.loss > 0 ? `${network.loss * 100} % loss` : "",
    network.bandwidth > 0 ? `${network.bandwidth} bit/s` : "",
    network.chunk > 0 ? `chunks of 1 to ${network.chunk} bytes` : "",
    `windows of ${network.window} bytes`
  ].filter((words) => words !== "")
  return [
    ["work", `${nodes} nodes, ${operations} operations at each, ${span(duration)}`],
    ["database", database],
    [
      "order of tasks",
      `${schedule.order}${schedule.preemptEvery > 0 ? `, preempting every ${schedule.preemptEvery}` : ""}`
    ],
    ["latency, one way", way],
    ["network", limits.join(", ")]
  ]
}

/** What the run was, by name. */
export const facts = ({ rows, file }: Story): ReadonlyArray<readonly [name: string, words: string]> => {
  const { commit, events, hash, mutant, scenario, seed, versions } = file
  return [
    ["scenario", scenario],
    ["seed", String(seed)],
    ...(mutant === undefined ? [] : [["planted bug", mutant] as const]),
    ["events", `${events} in ${span(Math.round((rows.at(-1)?.event.at ?? 0) / 1_000))}`],
    ["hash", hash],
    ["commit", commit === "" ? "unknown" : commit],
    ["versions", `Node ${versions.node}, effect ${versions.effect}, holdfast ${versions.holdfast}`]
  ]
}
