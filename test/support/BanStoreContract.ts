/**
 * What every store of bans does.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import * as Ban from "../../src/protocol/link/Ban.ts"
import { BanStore } from "../../src/services/link/BanStore.ts"
import { stranger } from "./Messages.ts"
import { Reopen, type Stores } from "./Stores.ts"

/** A time that fits no 32 bits. */
const since = 1_900_000_000_000

const byRule = (until: number, fields: Partial<Ban.Ban> = {}): Ban.Ban => ({
  subject: Ban.ofPeer(stranger()),
  by: "rule",
  reason: 'it announced "more" than 4,096 bytes – \\ \' ✓',
  since,
  until,
  times: 3,
  ...fields
})

const asked = (fields: Partial<Ban.Ban> = {}): Ban.Ban => ({
  subject: Ban.ofPeer(stranger()),
  by: "operator",
  reason: "",
  since,
  times: 0,
  ...fields
})

export const keeps = (name: string, stores: Layer.Layer<Stores | Reopen>) =>
  layer(stores)(`a store of bans in ${name}`, (it) => {
    /** Nothing is left of other tests. */
    const empty = Effect.gen(function* () {
      const store = yield* BanStore
      yield* store.remove((yield* store.all(10_000)).map(({ subject }) => subject))
      return store
    })

    it.effect("keeps every field of them, over a restart", () =>
      Effect.gen(function* () {
        const store = yield* empty
        const { reopen } = yield* Reopen
        assert.deepStrictEqual(yield* store.all(10), [])
        const some = [
          asked(),
          asked({ subject: Ban.ofHost("2001:db8::1"), until: since + 1, times: 2 }),
          byRule(since + 600_000),
          byRule(since + 1, { subject: Ban.ofHost("10.0.0.1") })
        ]
        yield* store.put(some)
        assert.deepStrictEqual(yield* store.all(10), some)
        const again = BanStore.use((it) => it.all(10))
        assert.deepStrictEqual(yield* Effect.provideContext(again, yield* reopen), some)
      }).pipe(Effect.scoped)
    )

    it.effect("has one for each subject: the last that was written", () =>
      Effect.gen(function* () {
        const store = yield* empty
        const subject = Ban.ofPeer(stranger())
        yield* store.put([byRule(since + 1, { subject }), byRule(since + 9)])
        const order = asked({ subject, reason: "enough" })
        yield* store.put([order])
        assert.deepStrictEqual(
          (yield* store.all(10)).filter((ban) => ban.subject === subject),
          [order]
        )
        const back = byRule(since + 2, { subject, times: 4 })
        yield* store.put([back])
        assert.deepStrictEqual(
          (yield* store.all(10)).filter((ban) => ban.subject === subject),
          [back]
        )
      })
    )

    it.effect("gives those of operators first, then those that end last, and no more than asked for", () =>
      Effect.gen(function* () {
        const store = yield* empty
        const some = [asked(), asked({ until: since + 5 }), byRule(since + 30), byRule(since + 20), byRule(since + 10)]
        yield* store.put([some[3]!, some[1]!, some[4]!, some[0]!, some[2]!])
        assert.deepStrictEqual(yield* store.all(10), some)
        assert.deepStrictEqual(yield* store.all(3), some.slice(0, 3))
      })
    )

    it.effect("forgets what it is told to, and nothing else", () =>
      Effect.gen(function* () {
        const store = yield* empty
        const some = [byRule(since + 30), byRule(since + 20), byRule(since + 10)]
        yield* store.put(some)
        yield* store.remove([some[0]!.subject, some[2]!.subject, Ban.ofHost("10.9.9.9")])
        assert.deepStrictEqual(yield* store.all(10), [some[1]!])
        yield* store.remove([])
        yield* store.put([])
        assert.deepStrictEqual(yield* store.all(10), [some[1]!])
      })
    )
  })
