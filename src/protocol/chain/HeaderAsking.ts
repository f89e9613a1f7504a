/**
 * Whom to ask for headers, and when: one peer at a time while this node is far behind, so that nothing is fetched twice; every
 * peer once it is not. Who does not answer is passed over for a while and not cut off: nodes that are catching up themselves stay
 * silent. Pure: time comes with the event.
 */

export interface Policy {
  /** Without an answer for so long a peer is passed over, in milliseconds. */
  readonly silentMillis: number
  /** For how long it is. */
  readonly passedOverMillis: number
  /** When a peer that had no more is asked again, should it not have told of something new by then. */
  readonly againMillis: number
}

export const defaults: Policy = { silentMillis: 30_000, passedOverMillis: 120_000, againMillis: 600_000 }

interface Asked {
  readonly status: "due" | "asked" | "done" | "silent"
  /** When the status ends by itself, in monotonic milliseconds. */
  readonly until: number
  /** It has told of something new since it was asked. */
  readonly isBehind: boolean
  /** The height of the last header that it gave, -1 before the first. */
  readonly height: number
}

export interface State {
  /** By connection, in the order in which they are asked. */
  readonly peers: ReadonlyMap<number, Asked>
}

export const initial: State = { peers: new Map() }

export type Event =
  /** A connection has come to be. */
  | { readonly _tag: "Joined"; readonly peer: number }
  | { readonly _tag: "Left"; readonly peer: number }
  /** It has given headers, the last of them at `height`; `isFull` if it has more. */
  | { readonly _tag: "Answered"; readonly peer: number; readonly height: number; readonly isFull: boolean }
  /** It has something that is not known here. */
  | { readonly _tag: "Announced"; readonly peer: number }
  /** Time has passed. */
  | { readonly _tag: "Looked" }

export interface Circumstances {
  /** Monotonic milliseconds. */
  readonly now: number
  /** The best header is so new that this node is not catching up any more. */
  readonly isRecent: boolean
}

export type Action =
  | { readonly _tag: "Ask"; readonly peer: number }
  /** It has not answered. */
  | { readonly _tag: "PassOver"; readonly peer: number }

export interface Step {
  readonly state: State
  readonly actions: ReadonlyArray<Action>
}

const never = Number.POSITIVE_INFINITY
const due = (height: number): Asked => ({ status: "due", until: never, isBehind: false, height })

const answered = (policy: Policy, peer: Asked, height: number, isFull: boolean, now: number): Asked => {
  // Who gives the same headers again and again has no more, whatever it says.
  const goesOn = (isFull && height > peer.height) || peer.isBehind
  const highest = Math.max(peer.height, height)
  return goesOn ? due(highest) : { status: "done", until: now + policy.againMillis, isBehind: false, height: highest }
}

/** Whoever is due is asked: all of them, or one if nobody is asked already. */
const ask = (policy: Policy, peers: Map<number, Asked>, { isRecent, now }: Circumstances): ReadonlyArray<Action> => {
  const actions: Array<Action> = []
  let isBusy = [...peers.values()].some(({ status }) => status === "asked")
  for (const [peer, asked] of peers) {
    if (asked.status !== "due" || (isBusy && !isRecent)) continue
    peers.set(peer, { ...asked, status: "asked", until: now + policy.silentMillis, isBehind: false })
    actions.push({ _tag: "Ask", peer })
    isBusy = true
  }
  return actions
}

/** Those whose time is over; they go behind all others. */
const look = (policy: Policy, peers: Map<number, Asked>, now: number): ReadonlyArray<Action> => {
  const actions: Array<Action> = []
  const over = [...peers].filter(([, { until }]) => until <= now)
  for (const [peer, asked] of over) {
    peers.delete(peer)
    if (asked.status !== "asked") peers.set(peer, due(asked.height))
    else {
      peers.set(peer, { ...asked, status: "silent", until: now + policy.passedOverMillis })
      actions.push({ _tag: "PassOver", peer })
    }
  }
  return actions
}

const note = (policy: Policy, peers: Map<number, Asked>, event: Event, now: number): void => {
  if (event._tag === "Looked") return
  const { peer } = event
  const known = peers.get(peer)
  if (event._tag === "Joined") return void peers.set(peer, due(-1))
  if (known === undefined) return
  switch (event._tag) {
    case "Left":
      return void peers.delete(peer)
    case "Answered":
      return void peers.set(peer, answered(policy, known, event.height, event.isFull, now))
    case "Announced":
      return void peers.set(peer, known.status === "asked" ? { ...known, isBehind: true } : due(known.height))
  }
}

export const step = (policy: Policy, state: State, event: Event, circumstances: Circumstances): Step => {
  const peers = new Map(state.peers)
  note(policy, peers, event, circumstances.now)
  const passedOver = look(policy, peers, circumstances.now)
  return { state: { peers }, actions: [...passedOver, ...ask(policy, peers, circumstances)] }
}

/** When to look again, in monotonic milliseconds; infinite if nothing is waited for. */
export const nextLook = ({ peers }: State): number => Math.min(never, ...[...peers.values()].map(({ until }) => until))

/** Whether an answer is waited for. */
export const isAsking = ({ peers }: State): boolean => [...peers.values()].some(({ status }) => status === "asked")
