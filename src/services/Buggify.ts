/**
 * Points in the code where a test may make something rare happen: a crash between two steps, a frame sent twice.
 *
 * In production nothing is installed and every point costs a property read. A test or a simulation provides its own
 * `Buggify` and decides by site. Whatever a site does may happen to any node at any time: with all of them at work a
 * node keeps every promise it makes.
 */
import { Context, Effect } from "effect"

/** Where something rare happens or does not: its name says what. */
export const firing = [
  "link.dial-given-up",
  "link.accepted-and-dropped",
  "link.refused-as-busy",
  "link.last-word-lost",
  "link.tick-put-off",
  "link.pinged-without-need",
  "link.written-frame-by-frame",
  "link.idle-pair-forgotten",
  "link.redialled-at-once",
  "link.redialled-late",
  "link.redial-wake-up-lost",
  "delivery.group-of-one",
  "delivery.numbered-late",
  "delivery.wake-up-lost",
  "delivery.batch-of-one",
  "delivery.window-of-one",
  "delivery.batch-sent-again",
  "delivery.handled-one-by-one",
  "delivery.transaction-cut-short",
  "delivery.transaction-run-again",
  "delivery.answers-split",
  "delivery.settled-one-by-one",
  "delivery.taken-for-slow",
  "delivery.upkeep-early",
  "feed.page-of-one"
] as const
export type FiringSite = (typeof firing)[number]

/** Where a process may be slow or die: between the two steps of its name. */
export const passing = [
  "link.handshake-before-written",
  "link.hello-before-sent",
  "link.live-before-handler",
  "link.handler-ended-before-next",
  "link.read-before-handled",
  "link.taken-before-written",
  "link.ping-before-pong",
  "delivery.claimed-before-resume",
  "delivery.numbered-before-sent",
  "delivery.handled-before-commit",
  "delivery.committed-before-receipt",
  "delivery.receipted-before-settled",
  "feed.committed-before-published",
  "feed.published-before-read"
] as const
export type PassingSite = (typeof passing)[number]

/** Every point there is. */
export const sites = [...firing, ...passing] as const
export type Site = FiringSite | PassingSite

export interface Points {
  /** Whether the rare thing happens now. */
  readonly fires: (site: FiringSite) => boolean
  /** Runs between two steps; may wait, and may never return. What it does is decided when it runs. */
  readonly pass: (site: PassingSite) => Effect.Effect<void>
}

/** The points of production: nothing rare happens, and nobody waits. */
export const none: Points = { fires: () => false, pass: () => Effect.void }

/** Read once by each layer, while it is built. */
export const Buggify = Context.Reference<Points>("holdfast/services/Buggify", { defaultValue: () => none })
