import { vi } from "vitest"
import * as BanStoreContract from "../../support/BanStoreContract.ts"
import * as BitcoinPeersContract from "../../support/BitcoinPeersContract.ts"
import * as FeedStoreContract from "../../support/FeedStoreContract.ts"
import * as PeerBookContract from "../../support/PeerBookContract.ts"
import * as RetryStoreContract from "../../support/RetryStoreContract.ts"
import * as RetryStoreReceivingContract from "../../support/RetryStoreReceivingContract.ts"
import * as RetryStoreSettlingContract from "../../support/RetryStoreSettlingContract.ts"
import * as TransactionsContract from "../../support/TransactionsContract.ts"
import { stores } from "./LayerInWorld.ts"

vi.mock("@effect/vitest", async (original) => ({
  ...(await original<typeof import("@effect/vitest")>()),
  layer: (await import("./LayerInWorld.ts")).layer
}))

// The suites make up their peers and ids, which in a world has to repeat itself.
vi.mock("node:crypto", async (original) => {
  const { Rng } = await import("../../../src/testing/world/Rng.ts")
  const rng = new Rng(1, "ids of the suites")
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
  return {
    ...(await original<typeof import("node:crypto")>()),
    randomBytes: (size: number) => Buffer.from(rng.bytes(size)),
    randomUUID: () => `${hex(rng.bytes(4))}-${hex(rng.bytes(2))}-4000-8000-${hex(rng.bytes(6))}`
  }
})

for (const name of ["memory", "PGlite"] as const) {
  const all = stores(name)
  RetryStoreContract.sends(name, all)
  RetryStoreSettlingContract.settles(name, all)
  RetryStoreReceivingContract.receives(name, all)
  FeedStoreContract.feeds(name, all)
  PeerBookContract.remembers(name, all)
  BanStoreContract.keeps(name, all)
  BitcoinPeersContract.keeps(name, all, 16)
  TransactionsContract.commits(name, all)
}
