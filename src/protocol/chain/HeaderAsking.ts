/**
 * Whom to ask for headers, and when: one peer at a time while this node is far behind, so that nothing is fetched twice; every
 * peer once it is not. Who takes long is waited for beside the next one, and who does not answer is passed over for a while and not
 * cut off: nodes that are catching up themselves stay silent. Pure: time comes with the event.
 */

export interface Policy {
  /**
   * After so many milliseconds without an answer another peer is asked as well, where one at a time is; and one more after twice as
   * long again, so that a slow line is not asked for the same by all.
   */
  readonly hurryMillis: number
  /** Without an answer for so long a peer is passed over, in milliseconds. */
  readonly silentMillis: number
  /** For how long it is. */
  readonly passedOverMillis: number
  /** When a peer that had no more is asked again, should it not have told of something new by then. */
  readonly againMillis: number
}

export const defaults: Policy = {
  hurryMillis: 2_500,
  silentMillis: 30_000,
  passedOverMillis: 120_000,
  againMillis: 600_000
}

interface Asked {
  readonly status: "due" | "asked" | "done" | "silent"
  /** When it was asked last, in monotonic milliseconds. */
  readonly since: number
  /** When the status ends by itself, in monotonic milliseconds. */
  readonly until: number
  /** It has told of something new since it was asked. */
  readonly hasNews: boolean
  /** This node has chosen it, and asks it before those that have chosen this node. */
  readonly isChosen: boolean
}

export interface State {
  /** By connection, in the order in which they are asked. */
  readonly peers: ReadonlyMap<number, Asked>
  /** When one more is asked though those that were have not answered, in monotonic milliseconds. */
  readonly hurryAt: number
}

const never = Number.POSITIVE_INFINITY

export const initial: State = { peers: new Map(), hurryAt: never }

export type Event =
  /** A connection has come to be. */
  | { readonly _tag: "Joined"; readonly peer: number; readonly isChosen: boolean }
  | { readonly _tag: "Left"; readonly peer: number }
  /**
   * It has given headers. `goesOn`: as many as it could, and some that were not known. `hasMore`: as many as it could, others than
   * the last time.
   */
  | { readonly _tag: "Answered"; readonly peer: number; readonly goesOn: boolean; readonly hasMore: boolean }
  /** It has something that is not known here. */
  | { readonly _tag: "Announced"; readonly peer: number }
  /** Time has passed. */
  | { readonly _tag: "Looked" }

type Answered = Extract<Event, { readonly _tag: "Answered" }>

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

const due = (isChosen: boolean): Asked => ({ status: "due", since: -never, until: never, hasNews: false, isChosen })

/** When one more may be asked beside those that have not answered. */
const freeAt = ({ hurryMillis }: Policy, peers: ReadonlyMap<number, Asked>): number => {
  const since = [...peers.values()].filter(({ status }) => status === "asked").map((asked) => asked.since)
  return since.length === 0 ? -never : Math.max(...since) + hurryMillis * 2 ** (since.length - 1)
}

/** Whoever is due is asked: all of them, or one if nobody is waited for, or for too long. */
const ask = (policy: Policy, peers: Map<number, Asked>, { isRecent, now }: Circumstances): ReadonlyArray<Action> => {
  const all = [...peers]
  const isBusy = now < freeAt(policy, peers)
  const ready = all.filter(([, { status }]) => status === "due")
  const next = ready.find(([, { isChosen }]) => isChosen) ?? ready[0]
  const chosen = isRecent ? ready : isBusy || next === undefined ? [] : [next]
  for (const [peer, asked] of chosen) {
    peers.set(peer, { ...asked, status: "asked", since: now, until: now + policy.silentMillis, hasNews: false })
  }
  return chosen.map(([peer]) => ({ _tag: "Ask", peer }))
}

/** Those whose time is over; they go behind all others. */
const look = (policy: Policy, peers: Map<number, Asked>, now: number): ReadonlyArray<Action> => {
  const actions: Array<Action> = []
  const over = [...peers].filter(([, { until }]) => until <= now)
  for (const [peer, asked] of over) {
    peers.delete(peer)
    if (asked.status !== "asked") peers.set(peer, due(asked.isChosen))
    else {
      peers.set(peer, { ...asked, status: "silent", until: now + policy.passedOverMillis })
      actions.push({ _tag: "PassOver", peer })
    }
  }
  return actions
}

/** Who goes on keeps its turn; who only has more, or news, comes after all others: nobody has the turn for nothing. */
const answered = (policy: Policy, peers: Map<number, Asked>, event: Answered, now: number): void => {
  const { goesOn, hasMore, peer } = event
  const known = peers.get(peer)
  if (known === undefined) return
  if (goesOn) return void peers.set(peer, due(known.isChosen))
  peers.delete(peer)
  const isDone = !hasMore && !known.hasNews
  const done: Asked = { ...known, status: "done", until: now + policy.againMillis, hasNews: false }
  peers.set(peer, isDone ? done : due(known.isChosen))
}

const note = (policy: Policy, peers: Map<number, Asked>, event: Event, now: number): void => {
  if (event._tag === "Looked") return
  const { peer } = event
  const known = peers.get(peer)
  switch (event._tag) {
    case "Joined":
      return void peers.set(peer, due(event.isChosen))
    case "Left":
      return void peers.delete(peer)
    case "Answered":
      return answered(policy, peers, event, now)
    case "Announced":
      if (known === undefined) return
      return void peers.set(peer, known.status === "asked" ? { ...known, hasNews: true } : due(known.isChosen))
  }
}

export const step = (policy: Policy, state: State, event: Event, circumstances: Circumstances): Step => {
  const peers = new Map(state.peers)
  note(policy, peers, event, circumstances.now)
  const passedOver = look(policy, peers, circumstances.now)
  const actions = [...passedOver, ...ask(policy, peers, circumstances)]
  const isWaiting = [...peers.values()].some(({ status }) => status === "due")
  return { state: { peers, hurryAt: isWaiting ? freeAt(policy, peers) : never }, actions }
}

/** When to look again, in monotonic milliseconds; infinite if nothing is waited for. */
export const nextLook = ({ hurryAt, peers }: State): number =>
  Math.min(never, hurryAt, ...[...peers.values()].map(({ until }) => until))

/** Whether an answer is waited for; not where whoever owes one is late, and another has given all that it has since then. */
export const isAsking = ({ hurryMillis }: Policy, { peers }: State, now: number): boolean => {
  const all = [...peers.values()]
  const asked = all.filter(({ status }) => status === "asked")
  return asked.some(
    ({ since }) => now - since < hurryMillis || !all.some((one) => one.status === "done" && one.since > since)
  )
}
