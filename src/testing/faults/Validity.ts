/**
 * Plans under which nobody could succeed. They say nothing about the code, so a run of one is neither good nor bad.
 *
 * Only what is certain counts: that no session can come to be, or that no node ever works while anything is to be done.
 */
import { nodeNames } from "../cluster/NodeNames.ts"
import type { FaultPlan } from "./FaultPlan.ts"
import { linkConfig } from "./Knobs.ts"

/** Ways across the network from the first SYN to a session: SYN, SYN-ACK, three of the handshake, HELLO and COMMIT. */
const crossings = 7
/** Bytes that each side sends before a session is live, at least. */
const sessionBytes = 512
/** Above it a stream stands still for minutes again and again. */
const mostLoss = 0.5

/** Why a plan cannot succeed; `undefined` if it may. */
export const hopeless = (plan: FaultPlan): string | undefined => noSession(plan) ?? nobodyUp(plan)

const noSession = ({ knobs = {}, network, nodes }: FaultPlan): string | undefined => {
  if (nodes < 2) return undefined
  const { handshakeTimeout } = linkConfig(knobs)
  const { bandwidth, connections, latency, loss, window } = network
  const allowed = `the handshake may take ${handshakeTimeout} ms`
  if (latency.floor * crossings > handshakeTimeout) {
    return `a session needs ${crossings} times a latency of ${latency.floor} ms and ${allowed}`
  }
  const millis = bandwidth === 0 ? 0 : (sessionBytes * 8_000) / bandwidth
  if (millis > handshakeTimeout) return `at ${bandwidth} bit/s a session needs ${millis} ms and ${allowed}`
  const filled = Math.ceil(sessionBytes / window) * 2 * latency.floor
  if (filled > handshakeTimeout) return `with windows of ${window} bytes a session needs ${filled} ms and ${allowed}`
  if (loss > mostLoss) return `${loss * 100} % of packets are lost each way`
  if (connections < nodes - 1) {
    return `every node wants ${nodes - 1} connections and may have ${connections}`
  }
  return undefined
}

interface Span {
  readonly from: number
  readonly to: number
}

/** Whether every node is dead from the beginning to the end of the disturbed part. */
const nobodyUp = ({ duration, faults, nodes }: FaultPlan): string | undefined => {
  const dead = new Map<string, Array<Span>>()
  for (const { fault, when } of faults) {
    if (!("at" in when) || !("down" in fault)) continue
    const spans = dead.get(fault.node) ?? []
    dead.set(fault.node, spans)
    spans.push({ from: when.at, to: when.at + fault.down })
  }
  const isUp = (node: string) => !covers(dead.get(node) ?? [], duration)
  return nodeNames(nodes).some(isUp) ? undefined : `all ${nodes} nodes are dead for all of ${duration} ms`
}

/** Whether spans leave no gap before an end. A node that is killed at once has not begun. */
const covers = (spans: ReadonlyArray<Span>, end: number): boolean => {
  let until = 0
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    if (from > until) return false
    until = Math.max(until, to)
  }
  return spans.length > 0 && until >= end
}
