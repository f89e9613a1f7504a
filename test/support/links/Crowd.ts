/**
 * Nodes in a process of their own, which can be frozen, killed, kept busy and asked.
 */
import { Effect, type Scope } from "effect"
import * as End from "../../../bench/End.ts"
import type { Crowd as Nodes, Functions, Story } from "./CrowdEnd.ts"

export type { Dial, Story } from "./CrowdEnd.ts"

export interface Crowd {
  /** Where the nodes listen that do. */
  readonly addresses: ReadonlyArray<string>
  readonly call: <K extends keyof Functions & string>(
    name: K,
    argument: End.Argument<Functions[K]>
  ) => Effect.Effect<End.Result<Functions[K]>>
  readonly story: Effect.Effect<Story>
  /** Microseconds that the process has computed so far. */
  readonly cpu: Effect.Effect<number>
  /** SIGSTOP and SIGCONT. */
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** SIGKILL; returns when the process is gone. */
  readonly kill: Effect.Effect<void>
}

export interface Options extends Nodes {
  /** How many files the process may have open. */
  readonly openFiles?: number
}

/** Starts the process and its nodes; both end with the scope. */
export const start: (options: Options) => Effect.Effect<Crowd, never, Scope.Scope> = Effect.fnUntraced(function* ({
  openFiles,
  ...nodes
}: Options) {
  const end = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new End.End<Functions>(new URL("CrowdEnd.ts", import.meta.url), openFiles === undefined ? {} : { openFiles })
    ),
    // One that is frozen cannot go away by itself.
    (end) => Effect.promise(() => end.signal("SIGCONT").then(() => end.stop()))
  )
  const call: Crowd["call"] = (name, argument) => Effect.promise(() => end.call(name, argument))
  const signal = (it: Parameters<typeof end.signal>[0]) => Effect.promise(() => end.signal(it))
  const addresses = yield* call("start", nodes)
  return {
    addresses,
    call,
    story: call("story", undefined),
    cpu: Effect.promise(() => end.cpu()),
    freeze: signal("SIGSTOP"),
    thaw: signal("SIGCONT"),
    kill: signal("SIGKILL")
  }
})
