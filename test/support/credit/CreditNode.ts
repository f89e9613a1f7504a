/**
 * A whole node with users who give credit, on a network and a database in memory, for tests in virtual time.
 */
import { Context, Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"
import type { SqlError } from "effect/sql/SqlError"
import * as AuditMemory from "../../../src/layers/AuditMemory.ts"
import * as IdentityMemory from "../../../src/layers/IdentityMemory.ts"
import { MemoryDatabase } from "../../../src/layers/MemoryDatabase.ts"
import * as StoresMemory from "../../../src/layers/StoresMemory.ts"
import { Cuid } from "../../../src/protocol/credit/Chad.ts"
import type { TallyId } from "../../../src/protocol/credit/TallyDocument.ts"
import type { Answer } from "../../../src/services/credit/Answer.ts"
import { type Command, CommandKeyTaken, CreditRefused, type Done } from "../../../src/services/credit/Command.ts"
import { Credit } from "../../../src/services/credit/Credit.ts"
import * as CreditConfig from "../../../src/services/credit/CreditConfig.ts"
import * as CreditProtocol from "../../../src/services/credit/CreditProtocol.ts"
import * as Tables from "../../../src/services/credit/CreditTables.ts"
import { Keyring } from "../../../src/services/credit/Keyring.ts"
import * as Users from "../../../src/services/credit/Users.ts"
import { Audit } from "../../../src/services/delivery/Audit.ts"
import { Feed } from "../../../src/services/delivery/Feed.ts"
import * as LinkConfig from "../../../src/services/link/LinkConfig.ts"
import { Node } from "../../../src/services/Node.ts"
import { Records } from "../../../src/services/Records.ts"
import { Transactions } from "../../../src/services/Transactions.ts"
import type { MemoryNetwork } from "../../../src/testing/TransportMemory.ts"
import { hostOf } from "../LinkNode.ts"

export interface Options {
  readonly network: MemoryNetwork
  readonly seed: number
  /** A new one without it. */
  readonly database?: MemoryDatabase["Service"]
  /** What its operator has decided differently. */
  readonly config?: Partial<CreditConfig.Config>
  /** Put around the transactions of its users' commands. */
  readonly around?: (transactions: Transactions["Service"]) => Transactions["Service"]
}

/** One life of the node, until the scope closes. */
export const start = Effect.fnUntraced(function* ({ network, seed, ...options }: Options) {
  const host = hostOf(seed)
  const database = options.database ?? (yield* MemoryDatabase.make)
  const ground = Layer.mergeAll(
    IdentityMemory.layerFromSeed(new Uint8Array(32).fill(seed)),
    StoresMemory.layerOn(database).pipe(Layer.provide(SecureRandom.layerWebCrypto)),
    network.layer(host),
    SecureRandom.layerWebCrypto,
    Keyring.layer(Redacted.make(new Uint8Array(32).fill(100 + seed))),
    Layer.succeed(CreditConfig.CreditConfig, { ...CreditConfig.defaults, ...options.config }),
    Layer.succeed(LinkConfig.LinkConfig, { ...LinkConfig.defaults, firstDialDelay: 0 })
  )
  const protocols = [CreditProtocol.Credit.handled]
  const { around = (transactions) => transactions } = options
  const layer = Credit.layer.pipe(
    Layer.provide(Layer.effect(Transactions, Effect.map(Transactions, around))),
    Layer.provideMerge(Node.layer({ protocols, listen: { host, port: 4000 } })),
    Layer.provideMerge(ground)
  )
  const context = yield* Layer.build(Layer.fresh(layer)).pipe(Effect.orDie)
  const node = Context.get(context, Node)
  const { within } = Context.get(context, Transactions)
  type Around = typeof context extends Context.Context<infer R> ? R : never

  const run = <A>(work: Effect.Effect<A, SqlError, Around>) => Effect.orDie(Effect.provide(within(work), context))
  /** A command of a user; why it was refused, if it was. */
  const command = (work: Effect.Effect<Answer, SqlError, Around>) =>
    run(Effect.flatMap(work, (answer) => Effect.as(CreditProtocol.perform(answer), answer.unfit?.reason)))
  const credit = Context.get(context, Credit)
  /** What came of a command, or why it was refused. */
  const tell = (user: string, command: Command, key?: string): Effect.Effect<Done | string> =>
    credit.run(Cuid.make(user), command, key).pipe(
      Effect.catchTag("CreditRefused", ({ reason }: CreditRefused) => Effect.succeed(reason)),
      Effect.catchTag("CommandKeyTaken", ({ _tag }: CommandKeyTaken) => Effect.succeed(_tag)),
      Effect.orDie
    )
  const half = (user: string, tally: TallyId) =>
    run(Effect.flatMap(Records, (records) => records.get(Tables.halves, [Cuid.make(user), tally])))

  const audit = Effect.gen(function* () {
    const audited = yield* Layer.build(AuditMemory.layer(protocols))
    return yield* Context.get(audited, Audit).run(() => Effect.void)
  }).pipe(Effect.provide(context), Effect.scoped, Effect.orDie)

  return {
    key: node.key,
    /** What the node's audit finds. */
    findings: Effect.map(audit, ({ findings }) => findings),
    address: node.address!,
    connect: (other: { readonly address: typeof node.address }) => Effect.orDie(node.connect(other.address!)),
    run,
    credit,
    tell,
    command,
    half,
    add: (user: string) =>
      command(Users.put(Cuid.make(user), { type: "person", name: user }, { host: `${seed}.test`, port: 4000 })),
    /** Kinds of the events of a user, in order. */
    told: (user: string) =>
      Effect.map(Effect.orDie(Context.get(context, Feed).read({ audience: user, limit: 1_000 })), (items) =>
        items.flatMap((item) => (item._tag === "Event" ? [item.event.kind] : []))
      )
  }
})

export type CreditNode = Effect.Success<ReturnType<typeof start>>
