/** Verifies headers, or does nothing but hash as many, in a process of its own. */
import { Result } from "effect"
import { hash } from "node:crypto"
import sodium from "sodium-native"
import * as BlockHeader from "../../src/protocol/bitcoin/BlockHeader.ts"
import * as Headers from "../../src/protocol/bitcoin/Headers.ts"
import * as ProofOfWork from "../../src/protocol/bitcoin/ProofOfWork.ts"
import * as End from "../End.ts"
import { minedChain } from "./MinedChain.ts"
import { batch, network } from "./Mixes.ts"

const payload = Headers.headers.encode(minedChain(network.genesis, batch))
const work = ProofOfWork.sha256d(ProofOfWork.regtestLimit)

/** Each does one batch. */
const checks = {
  /** Decodes the payload, and looks whether each header follows the one before and has its proof of work. */
  holdfast: (): void => {
    let previous = network.genesis
    for (const header of Result.getOrThrow(Headers.headers.decode(payload))) {
      const wrong = header.previous === previous ? work(header) : "it does not follow the one before"
      if (wrong !== undefined) throw new Error(wrong)
      previous = header.id
    }
  },
  "node:crypto": (): void => {
    const bytes = payload.subarray(0, BlockHeader.size)
    for (let left = batch; left > 0; left--) hash("sha256", hash("sha256", bytes, "buffer"), "buffer")
  },
  sodium: (): void => {
    const bytes = payload.subarray(0, BlockHeader.size)
    const digest = new Uint8Array(32)
    for (let left = batch; left > 0; left--) {
      sodium.crypto_hash_sha256(digest, bytes)
      sodium.crypto_hash_sha256(digest, digest)
    }
  }
} as const
export type Check = keyof typeof checks

const functions = {
  /** Headers in a second of processor time, one batch after the other for so long. */
  rate: ({ check, millis }: { readonly check: Check; readonly millis: number }): number => {
    const until = performance.now() + millis
    const from = process.cpuUsage()
    let batches = 0
    do {
      checks[check]()
      batches++
    } while (performance.now() < until)
    const { system, user } = process.cpuUsage(from)
    return (batches * batch * 1e6) / (system + user)
  }
}
export type Functions = typeof functions

End.serve(functions)
