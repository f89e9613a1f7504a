/**
 * Who this node is to its peers, fixed while the process runs: what its HELLOs say.
 */
import { Context } from "effect"
import type { Endpoint } from "../../protocol/Address.ts"
import type { NodeKey } from "../../protocol/NodeKey.ts"

export class Self extends Context.Service<
  Self,
  {
    readonly key: NodeKey
    /** Nodes of different networks refuse each other. */
    readonly network: string
    /** Random, one per process. */
    readonly instance: string
    readonly database: string
    readonly incarnation: bigint
    readonly versions: { readonly min: number; readonly max: number }
    /** Name and version of the software. */
    readonly agent: string
    /** The protocols this node handles. */
    readonly protocols: ReadonlyArray<string>
    /** Where peers may dial it, if it listens. */
    readonly listen: Endpoint | undefined
  }
>()("holdfast/services/link/Self") {}
