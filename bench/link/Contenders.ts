/**
 * Who takes part in the link benchmark. Peers are loaded only in the process that plays them.
 */
import type { Contender } from "./Line.ts"

export const contenders = {
  holdfast: async (): Promise<Contender> => (await import("./HoldfastLine.ts")).contender,
  "node:net": async (): Promise<Contender> => (await import("./NetLine.ts")).contender,
  "node:tls": async (): Promise<Contender> => (await import("./TlsLine.ts")).contender,
  "secret-stream": async (): Promise<Contender> => (await import("./SecretStreamLine.ts")).load(),
  libp2p: async (): Promise<Contender> => (await import("./Libp2pLine.ts")).load()
}
export type Name = keyof typeof contenders

/** Those that come with Node, and those that `--peers` installs. */
export const yardsticks: ReadonlyArray<Name> = ["node:net", "node:tls"]
export const peers: ReadonlyArray<Name> = ["secret-stream", "libp2p"]

export const isContender = (name: string): name is Name => name in contenders
