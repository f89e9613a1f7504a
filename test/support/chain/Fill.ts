/**
 * Fills the database of a node that does not run with a chain, many blocks in one transaction, as if it had made them: a node that
 * makes them one at a time would take as many commits.
 */
import { Effect, Layer, Redacted, References } from "effect"
import type { SqlClient } from "effect/sql"
import * as path from "node:path"
import { migrations } from "../../../migrations/index.ts"
import * as ChainBlocksSql from "../../../src/layers/ChainBlocksSql.ts"
import * as ChainHeadersSql from "../../../src/layers/ChainHeadersSql.ts"
import * as Migrations from "../../../src/layers/Migrations.ts"
import * as Pglite from "../../../src/layers/Pglite.ts"
import * as Postgres from "../../../src/layers/Postgres.ts"
import * as Block from "../../../src/protocol/chain/Block.ts"
import * as BlockHeader from "../../../src/protocol/chain/BlockHeader.ts"
import type { ChainSettings } from "../../../src/protocol/chain/Genesis.ts"
import { rulesOf, weightOf } from "../../../src/protocol/chain/NativeRules.ts"
import { BlockStore, type StoredBlock } from "../../../src/services/chain/BlockStore.ts"
import { HeaderStore } from "../../../src/services/chain/HeaderStore.ts"
import { Identity } from "../../../src/services/link/Identity.ts"
import { files } from "../../../src/programs/FolderFiles.ts"
import { identity, type Place } from "./Place.ts"

export interface Filling {
  readonly place: Place
  readonly settings: ChainSettings
  /** Up to this height, from wherever the chain stands. */
  readonly to: number
  /** Of the one item in each block; 40 by default. */
  readonly itemBytes?: number
}

/** Blocks of one transaction. */
const atOnce = 1_000

const databaseOf = ({ data, database }: Place): Layer.Layer<SqlClient.SqlClient> =>
  database === undefined
    ? Layer.orDie(Pglite.layer({ dataDir: path.join(data, files.database) }))
    : Layer.orDie(Postgres.layer({ url: Redacted.make(database) }))

const storesOf = (place: Place) =>
  Layer.mergeAll(ChainBlocksSql.layer, ChainHeadersSql.layer).pipe(
    Layer.provideMerge(Migrations.layer(migrations)),
    Layer.provide(databaseOf(place))
  )

/** Brings the chain of this place up to a height; the ids of its blocks are the same each time. The id of its tip. */
export const fill = ({ itemBytes = 40, place, settings, to }: Filling): Promise<string> =>
  Effect.gen(function* () {
    const [headers, blocks, { key, sign }] = [yield* HeaderStore, yield* BlockStore, yield* Identity]
    const { decode, encode, genesis, genesisBody, name } = rulesOf(settings)
    const first = { id: genesis.id, height: 0, bytes: encode(genesis), weight: 0n }
    if ((yield* headers.tail(name, 1)).length === 0) {
      yield* headers.replace(name, undefined, -1, [first])
      yield* blocks.replace(name, undefined, -1, [{ ...first, header: first.bytes, body: genesisBody }])
    }
    const [last = first] = yield* headers.tail(name, 1)
    let [parent, total] = [decode(last.bytes) ?? genesis, last.weight]
    while (parent.height < to) {
      const tip = parent
      const made: Array<StoredBlock & { readonly bytes: Uint8Array; readonly weight: bigint }> = []
      for (let height = tip.height + 1; height <= Math.min(to, tip.height + atOnce); height++) {
        const body = Block.encode([Buffer.alloc(itemBytes, `block ${height}`)])
        const fields: BlockHeader.Fields = {
          height,
          previous: parent.id,
          payload: Block.payloadOf(body),
          time: settings.time + height,
          producer: key,
          weight: settings.producers === undefined ? 1 : weightOf(settings.producers, height, key)
        }
        parent = settings.producers === undefined ? BlockHeader.identified(fields) : BlockHeader.signed(fields, sign)
        total += BigInt(parent.weight)
        const bytes = encode(parent)
        made.push({ id: parent.id, height, header: bytes, bytes, body, weight: total })
      }
      yield* headers.replace(name, tip.id, tip.height, made)
      yield* blocks.replace(name, tip.id, tip.height, made)
    }
    return parent.id
  }).pipe(
    Effect.provide(Layer.provideMerge(storesOf(place), identity(place.data))),
    Effect.provideService(References.MinimumLogLevel, "Warn"),
    Effect.runPromise
  )
