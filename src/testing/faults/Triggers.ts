/**
 * Those who wait for the nth of something: a frame, a commit, an event, a pass of a site.
 *
 * They are called in the midst of what they wait for, right after it happened. With nobody waiting it costs one check.
 */
import type { When } from "./FaultPlan.ts"

interface Waiter {
  readonly nth: number
  readonly run: () => void
}

/** Who waits for a number to be reached, soonest first, and of the same number as they came. */
class Line {
  readonly #waiters: Array<Waiter> = []
  #passed = 0

  get next(): number {
    return this.#waiters[0]?.nth ?? Number.POSITIVE_INFINITY
  }

  add(waiter: Waiter): void {
    const after = this.#waiters.findIndex(({ nth }) => nth > waiter.nth)
    this.#waiters.splice(after === -1 ? this.#waiters.length : after, 0, waiter)
  }

  pass(): void {
    this.reached(++this.#passed)
  }

  reached(n: number): void {
    while (this.next <= n) this.#waiters.shift()!.run()
  }
}

type Lines = Map<string, Line>

const join = (lines: Lines, key: string, waiter: Waiter): void => {
  const line = lines.get(key) ?? new Line()
  lines.set(key, line)
  line.add(waiter)
}

const reach = (lines: Lines, key: string, step: (line: Line) => void): void => {
  const line = lines.get(key)
  if (line === undefined) return
  step(line)
  if (line.next === Number.POSITIVE_INFINITY) lines.delete(key)
}

const pass = (line: Line): void => line.pass()

export class Triggers {
  readonly #frames: Lines = new Map()
  readonly #commits: Lines = new Map()
  readonly #sites: Lines = new Map()
  #events = new Line()

  /** Waits for anything but a time. */
  add(when: Exclude<When, { readonly at: number }>, run: () => void): void {
    if ("frame" in when) {
      const { from, kind, nth, to } = when.frame
      join(this.#frames, `${kind} ${from} ${to}`, { nth, run })
    } else if ("commit" in when) join(this.#commits, when.commit.node, { nth: when.commit.nth, run })
    else if ("site" in when) join(this.#sites, `${when.site.node} ${when.site.name}`, { nth: when.site.nth, run })
    else this.#events.add({ nth: when.event, run })
  }

  frame(kind: string, from: string, to: string): void {
    if (this.#frames.size > 0) reach(this.#frames, `${kind} ${from} ${to}`, pass)
  }

  /** The commits of a node are numbered from 1 over all of its lives. */
  commit(node: string, n: number): void {
    if (this.#commits.size > 0) reach(this.#commits, node, (line) => line.reached(n))
  }

  event(n: number): void {
    if (n >= this.#events.next) this.#events.reached(n)
  }

  site(node: string, name: string): void {
    if (this.#sites.size > 0) reach(this.#sites, `${node} ${name}`, pass)
  }

  /** Nobody waits any more. */
  clear(): void {
    this.#frames.clear()
    this.#commits.clear()
    this.#sites.clear()
    this.#events = new Line()
  }
}
