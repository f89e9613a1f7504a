/**
 * How the faults of networks and dials strike.
 */
import { type Hand, lasting, once } from "./Blow.ts"
import { around, link, type Link, partition } from "./Shapes.ts"
import type { FaultOf } from "./FaultPlan.ts"
import type { Impairment, Stage } from "./Stage.ts"
import { turns } from "./Swizzle.ts"

type LastingLink = Link & { readonly for: number }

export const networkFaults = ({ network, nodes }: Pick<Stage, "network" | "nodes">, { after, random }: Hand) => {
  const impair = (fault: LastingLink, impairment: Impairment) =>
    lasting(fault.for, network.impair(link(fault), impairment, random))

  return {
    Partition: (fault: FaultOf<"Partition">) =>
      lasting(fault.for, network.impair(partition(fault, nodes), { stalled: true }, random)),
    Stall: (fault: FaultOf<"Stall">) => impair(fault, { stalled: true }),
    Swizzle: (fault: FaultOf<"Swizzle">) => {
      const undos: Array<() => number> = []
      for (const { from, node, to } of turns(fault, random)) {
        after(from, () => {
          const undo = once(network.impair(around(node), { stalled: true }, random))
          undos.push(undo)
          after(to - from, undo)
        })
      }
      return lasting(fault.for, () => undos.reduce((sum, undo) => sum + undo(), 0))
    },
    Silence: (fault: FaultOf<"Silence">) => network.silence(link(fault)),
    Close: (fault: FaultOf<"Close">) => network.close(link(fault), fault.how),
    CloseAfter: (fault: FaultOf<"CloseAfter">) =>
      lasting(fault.for ?? Number.POSITIVE_INFINITY, network.closeAfter(link(fault), fault.bytes)),
    Slow: (fault: FaultOf<"Slow">) => impair(fault, { latency: fault.latency }),
    Bandwidth: (fault: FaultOf<"Bandwidth">) => impair(fault, { bandwidth: fault.bitsPerSecond }),
    Loss: (fault: FaultOf<"Loss">) => impair(fault, { loss: fault.share }),
    Chunks: (fault: FaultOf<"Chunks">) => impair(fault, { chunk: fault.most }),
    Window: (fault: FaultOf<"Window">) => impair(fault, { window: fault.bytes }),
    BitFlips: (fault: FaultOf<"BitFlips">) => impair(fault, { bitFlips: fault.share }),
    Ghost: (fault: FaultOf<"Ghost">) => {
      let came = 0
      after(fault.after, () => void (came = network.ghost(fault.from, fault.to) ? 1 : 0))
      return lasting(fault.after, () => came)
    },
    Dials: (fault: FaultOf<"Dials">) => {
      const { how, share, takes = 0 } = fault
      return lasting(fault.for, network.dials(link(fault), { how, share, takes }, random))
    },
    Backlog: (fault: FaultOf<"Backlog">) => lasting(fault.for, network.backlog(fault.node, fault.connections)),
    Exhaustion: (fault: FaultOf<"Exhaustion">) => lasting(fault.for, network.exhaust(fault.node, fault.connections)),
    Dns: (fault: FaultOf<"Dns">) => lasting(fault.for, network.dns(fault.node, fault.how)),
    Move: (fault: FaultOf<"Move">) => network.move(fault.node)
  }
}
