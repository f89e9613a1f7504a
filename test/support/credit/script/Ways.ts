/** The ways between the two parties of a scripted run, and what may become of messages on them. */
import type { Kind, Rule, Way } from "./Board.ts"

export const forth = { from: "a", to: "b" } as const satisfies Way
export const back = { from: "b", to: "a" } as const satisfies Way

/** The next messages of a kind are receipted, and nobody hears of them. */
export const lost = ({ from, to }: Way, kind: Kind, times = 1): Rule => ({ from, to, kind, fate: "lost", times })
/** Messages wait at their sender. */
export const held = ({ from, to }: Way, kind?: Kind): Rule => ({ from, to, fate: "held", ...(kind && { kind }) })
