/**
 * Which node of which cluster a scenario's own services are built for, and what they may tell whoever watches the run. No node has
 * it outside of a simulation.
 */
import { Context } from "effect"
import type { Nodes, Watching } from "./Watching.ts"

export class Place extends Context.Service<
  Place,
  {
    readonly name: string
    /** Which life of the process this is, from 1. */
    readonly life: number
    /** With this one. */
    readonly nodes: Nodes
    /** The true time, in milliseconds since 1970, whatever the node's clock says. */
    readonly trueMillis: () => number
    /** Ends the run: this property does not hold. */
    readonly violated: Watching["violated"]
    readonly count: Watching["count"]
  }
>()("holdfast/testing/cluster/Place") {}
