/**
 * What a benchmark must know of a server of somebody else's that it runs: how to get it, or what to install where it
 * cannot be got, and how to start it on loopback in a folder that goes away afterwards.
 */
import type { ServerProcess } from "./ServerProcess.ts"

export interface Installed {
  readonly version: string
  /** Starts one in an empty folder of its own; its address, and how to end it. */
  readonly start: (folder: string) => Promise<Running>
}

export interface Running {
  readonly address: string
  readonly stop: ServerProcess["stop"]
}

export interface Server {
  readonly name: string
  /** Gets it, once. Fails with what to install where that does not work. */
  readonly install: () => Promise<Installed>
}
