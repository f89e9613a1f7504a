/**
 * The nodes of a cluster: by name, by key and by address, and as checks see them.
 */
import type { NodeKey } from "../../protocol/NodeKey.ts"
import type { World } from "../world/World.ts"
import type { NodeView, View } from "./Scenario.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"

export class Members<R> {
  readonly all: ReadonlyArray<SimulatedNode<R>>
  readonly view: View
  readonly #byName: ReadonlyMap<string, SimulatedNode<R>>
  readonly #byKey: ReadonlyMap<NodeKey, SimulatedNode<R>>
  readonly #byAddress: ReadonlyMap<string, SimulatedNode<R>>

  constructor(world: World, all: ReadonlyArray<SimulatedNode<R>>) {
    this.all = all
    this.#byName = new Map(all.map((member) => [member.name, member]))
    this.#byKey = new Map(all.map((member) => [member.key, member]))
    this.#byAddress = new Map(all.map((member) => [member.address.endpoint.toString(), member]))
    this.view = viewOf(world, all)
  }

  /** The node of this name; it must be one of the plan. */
  named(name: string): SimulatedNode<R> {
    const member = this.#byName.get(name)
    if (member === undefined) throw new RangeError(`there is no node "${name}"`)
    return member
  }

  /** The node of this name, unless it is none: ghosts dial as well. */
  find(name: string): SimulatedNode<R> | undefined {
    return this.#byName.get(name)
  }

  /** The node that advertises this endpoint. */
  at(endpoint: string): SimulatedNode<R> | undefined {
    return this.#byAddress.get(endpoint)
  }

  /** The name of the node with this key; `undefined` if it is none of them. */
  nameOf(key: NodeKey): string | undefined {
    return this.#byKey.get(key)?.name
  }
}

const viewOf = <R>(world: World, members: ReadonlyArray<SimulatedNode<R>>): View => ({
  nodes: members.map((member): NodeView => ({
    name: member.name,
    key: member.key,
    get life() {
      return member.life
    },
    get state() {
      return member.state
    },
    get registry() {
      return member.registry
    }
  })),
  get now() {
    return world.now
  }
})
