/** Who decodes. Peers are loaded only in the process that plays them. */
import type { Contender } from "./Decoding.ts"

export const contenders = {
  holdfast: async (): Promise<Contender> => (await import("./HoldfastDecoding.ts")).contender,
  "bsv-p2p": async (): Promise<Contender> => (await import("./BsvP2pDecoding.ts")).load(),
  "bitcoin-protocol": async (): Promise<Contender> => (await import("./BitcoinProtocolDecoding.ts")).load()
}
export type Name = keyof typeof contenders

/** Those that `--peers` installs. */
export const peers: ReadonlyArray<Name> = ["bsv-p2p", "bitcoin-protocol"]

export const isContender = (name: string): name is Name => Object.hasOwn(contenders, name)
