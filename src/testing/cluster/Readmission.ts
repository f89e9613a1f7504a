/**
 * What may be refused as a duplicate: a connection in whose place there is a session that its peer knows of, or is about
 * to. A peer that has come back, with a new process or after it lost the session, is let in, and what an arbiter commits
 * its follower takes.
 *
 * Judged where the refusal is heard or made, from what that side has told in order. Says nothing of a pair of which one
 * database was restored or lost: what its nodes say of themselves may be out of date.
 */
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { Transition } from "../../services/link/Transition.ts"
import type { FaultPlan } from "../faults/FaultPlan.ts"
import type { Way } from "./Dials.ts"
import { PresentLives } from "./PresentLives.ts"
import type { NodeView, Watching } from "./Scenario.ts"

export const letIn = "a returning peer is let in"
export const commitStands = "a commit stands"

/** What the present life of a node has had with one peer. */
interface Standing {
  /** When it first greeted the peer, in frames that were worth a number. */
  greeted: number | undefined
  sessions: number
  last: { readonly connection: number; readonly number: bigint; over: boolean } | undefined
  /** How things stood when a connection, by its number, had proven its peer. */
  readonly candidates: Map<number, { readonly sessions: number; readonly lost: bigint | undefined }>
}

const none = (): Standing => ({ greeted: undefined, sessions: 0, last: undefined, candidates: new Map() })

const isDuplicate = ({ detail = "" }: Transition): boolean => detail.startsWith("duplicate:")

export class Readmission {
  readonly #watching: Watching
  /** Whether nodes forget what they have known of a pair. */
  readonly #forgets: boolean
  readonly #standings = new PresentLives(() => new Map<string, Standing>())
  /** The number of the last COMMIT from one node to another, whatever lives they were in. */
  readonly #commits = new Map<string, number>()
  readonly #restored = new Set<string>()
  #frames = 0

  constructor(watching: Watching, { faults }: FaultPlan) {
    this.#watching = watching
    this.#forgets = faults.some(({ fault }) => fault._tag === "Buggify" && fault.site === "link.idle-pair-forgotten")
  }

  /** A node hands a HELLO to a connection. */
  greets(way: Way): void {
    this.#of(way).greeted ??= ++this.#frames
  }

  /** A node hands a COMMIT to a connection. */
  commits({ node, to }: Way): void {
    this.#commits.set(`${node} ${to}`, ++this.#frames)
  }

  restored(node: string): void {
    this.#restored.add(node)
  }

  transition(way: Way, transition: Transition): void {
    const { connection, from, session, to } = transition
    const standing = this.#of(way)
    const { candidates, last } = standing
    if (to === "candidate") {
      candidates.set(connection, { sessions: standing.sessions, lost: last?.over === true ? last.number : undefined })
    } else if (to === "active") {
      standing.sessions++
      standing.last = { connection, number: session ?? 0n, over: false }
    } else if (to === "closed") {
      if (last?.connection === connection) last.over = true
      if (from === "candidate" && isDuplicate(transition)) this.#judge(way, transition, standing)
      candidates.delete(connection)
    }
  }

  #judge({ node, to }: Way, { connection, reason }: Transition, standing: Standing): void {
    if (this.#restored.has(node) || this.#restored.has(to)) return
    const [self, peer] = [this.#view(node), this.#view(to)]
    const candidate = standing.candidates.get(connection)
    if (self === undefined || peer === undefined || candidate === undefined || self.key < peer.key) return
    if (reason === "rejected") this.#judgeLetIn(self, peer, standing, candidate.lost)
    // It has told what it knew when the connection was a candidate, and no session has come since.
    else if (reason === "refused" && candidate.sessions === standing.sessions) {
      this.#watching.violated(
        commitStands,
        `${node} has refused what ${to} committed, as a duplicate of a session that it never had, or told ${to} of`
      )
    }
  }

  #judgeLetIn(self: NodeView, peer: NodeView, { greeted }: Standing, lost: bigint | undefined): void {
    const [node, to] = [self.name, peer.name]
    if (greeted !== undefined && (this.#commits.get(`${to} ${node}`) ?? 0) < greeted) {
      this.#watching.violated(letIn, `${to} has refused a new process of ${node} in favour of an earlier one`)
    } else if (lost !== undefined && !this.#forgets && lost === lastSession(peer, self.key)) {
      this.#watching.violated(letIn, `${to} has refused ${node} in favour of session ${lost}, which ${node} has lost`)
    }
  }

  #view(name: string): NodeView | undefined {
    return this.#watching.view.nodes.find((node) => node.name === name)
  }

  #of({ life, node, to }: Way): Standing {
    const standings = this.#standings.of(node, life)
    let standing = standings.get(to)
    if (standing === undefined) standings.set(to, (standing = none()))
    return standing
  }
}

/** The number of the session that a node has begun last with this peer in its present life. */
const lastSession = ({ registry }: NodeView, peer: NodeKey): bigint | undefined =>
  registry?.recent(peer).findLast(({ to }) => to === "active")?.session
