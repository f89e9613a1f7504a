/**
 * From a sender to the outbox, in SQL: one statement, whatever the number of rows.
 *
 * Its text never changes: the database plans it once. In a transaction that can gather, everything that is sent becomes
 * one statement right before the commit.
 */
import { Context, Effect, Schema } from "effect"
import type { SqlClient, SqlConnection } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import type { Outgoing } from "../../protocol/delivery/Message.ts"
import { NodeKey } from "../../protocol/NodeKey.ts"
import { type Link, LinkFenced, type RetryStore } from "../../services/delivery/RetryStore.ts"
import { type Ask, type Gathered, type Gathering, offers } from "../Gathering.ts"
import * as LostCommit from "../LostCommit.ts"
import { reader } from "../SqlRow.ts"

const readSubmitted = reader(
  Schema.Struct({
    peer: Schema.NullOr(NodeKey),
    last: Schema.NullOr(Schema.BigInt),
    free: Schema.NullOr(Schema.Boolean),
    known: Schema.Boolean
  })
)

/** Rows as columns. */
const columnsOf = (messages: ReadonlyArray<Outgoing>) => {
  const peers = [...new Set(messages.map(({ peer }) => peer))].sort()
  const places = new Map(peers.map((peer, index) => [peer, index]))
  const counts = peers.map(() => 0n)
  const ids: Array<string> = []
  const to: Array<number> = []
  const nths: Array<bigint> = []
  const protocols: Array<string> = []
  const subjects: Array<string> = []
  const bodies: Array<Uint8Array> = []
  const deadlines: Array<bigint> = []
  for (const { body, deadline, id, peer, protocol, subject } of messages) {
    const place = places.get(peer) ?? 0
    const nth = (counts[place] ?? 0n) + 1n
    counts[place] = nth
    ids.push(id)
    to.push(place + 1)
    nths.push(nth)
    protocols.push(protocol)
    subjects.push(subject)
    bodies.push(body)
    deadlines.push(deadline === undefined ? -1n : BigInt(deadline))
  }
  return { peers, counts, ids, to, nths, protocols, subjects, bodies, deadlines }
}
type Columns = ReturnType<typeof columnsOf>

/** How often a peer's first message tries to make its link; each further time somebody else has just made it. */
const attempts = 3

/** What one transaction sends, until its commit. */
class Sends implements Gathered {
  readonly #messages: Array<Outgoing> = []
  #written = 0
  #peers = new Set<NodeKey>()
  readonly #insert: (messages: ReadonlyArray<Outgoing>) => Effect.Effect<void, SqlError>
  constructor(insert: (messages: ReadonlyArray<Outgoing>) => Effect.Effect<void, SqlError>) {
    this.#insert = insert
  }
  /** Returns the peers of whom it had nothing. */
  add(messages: ReadonlyArray<Outgoing>): ReadonlyArray<NodeKey> {
    const strangers: Array<NodeKey> = []
    for (const message of messages) {
      this.#messages.push(message)
      if (this.#peers.has(message.peer)) continue
      this.#peers.add(message.peer)
      strangers.push(message.peer)
    }
    return strangers
  }
  mark(): () => void {
    const [length, written] = [this.#messages.length, this.#written]
    return () => {
      this.#messages.length = length
      this.#written = written
      this.#peers = new Set(this.#messages.map(({ peer }) => peer))
    }
  }
  isThere(ask: Ask): Effect.Effect<boolean, SqlError> {
    const ids = this.#messages.map(({ id }) => id)
    return Effect.map(
      ask("SELECT id FROM holdfast_outbox WHERE id = ANY($1::uuid[]) LIMIT 1", [ids]),
      ({ rows }) => rows.length > 0
    )
  }
  get write(): Effect.Effect<void, SqlError> {
    return Effect.suspend(() => {
      const waiting = this.#messages.slice(this.#written)
      this.#written = this.#messages.length
      return waiting.length === 0 ? Effect.void : this.#insert(waiting)
    })
  }
}

/**
 * `flush` writes what the open transaction has gathered, for statements that have to see it. `incarnation` is the one
 * that the store was made for.
 */
export const make = (
  sql: SqlClient.SqlClient,
  incarnation: bigint
): Pick<RetryStore["Service"], "enqueue" | "submit"> & { readonly flush: Effect.Effect<void, SqlError> } => {
  /** All of the rows, or none if a peer has no link yet, which it makes. */
  const insert = ({ bodies, deadlines, ids, peers, protocols, subjects, to }: Columns, now: number) =>
    sql<{ readonly strangers: bigint; readonly transaction: string }>`
      WITH peers AS MATERIALIZED (
        SELECT given.n, given.peer, (SELECT l.id FROM holdfast_links l WHERE l.peer = given.peer) AS id
        FROM unnest(${peers}::text[]) WITH ORDINALITY AS given(peer, n)
      ), made AS (
        INSERT INTO holdfast_links (peer) SELECT peer FROM peers WHERE id IS NULL ORDER BY n ON CONFLICT DO NOTHING
      ), written AS (
        INSERT INTO holdfast_outbox (id, link, protocol, subject, body, deadline, created_at, due_at)
        SELECT given.id, peers.id, given.protocol, given.subject, given.body, nullif(given.deadline, -1),
          ${BigInt(now)}::bigint, ${BigInt(now)}::bigint
        FROM unnest(
          ${ids}::uuid[], ${to}::integer[], ${protocols}::text[], ${subjects}::text[], ${bodies}::bytea[],
          ${deadlines}::bigint[]
        ) WITH ORDINALITY AS given(id, peer, protocol, subject, body, deadline, n)
        JOIN peers ON peers.n = given.peer
        WHERE NOT EXISTS (SELECT FROM peers WHERE id IS NULL)
        ORDER BY given.n
      )
      SELECT count(*) AS strangers, pg_current_xact_id()::text AS transaction FROM peers WHERE id IS NULL`

  /** One message to a peer that has a link; no row if it has none. The shortest plan that there is for it. */
  const insertOne = ({ body, deadline, id, peer, protocol, subject }: Outgoing, now: number) =>
    sql<{ readonly transaction: string }>`
      INSERT INTO holdfast_outbox (id, link, protocol, subject, body, deadline, created_at, due_at)
      SELECT ${id}::uuid, l.id, ${protocol}, ${subject}, ${body}, ${deadline === undefined ? null : BigInt(deadline)}::bigint,
        ${BigInt(now)}::bigint, ${BigInt(now)}::bigint
      FROM holdfast_links l WHERE l.peer = ${peer}
      RETURNING pg_current_xact_id()::text AS transaction`

  const insertAll = Effect.fnUntraced(function* (messages: ReadonlyArray<Outgoing>, now: number) {
    const [only] = messages
    if (only !== undefined && messages.length === 1) {
      const [row] = yield* insertOne(only, now)
      if (row !== undefined) return yield* LostCommit.note(sql, row.transaction)
    }
    const columns = columnsOf(messages)
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const [written] = yield* insert(columns, now)
      if (written === undefined) continue
      yield* LostCommit.note(sql, written.transaction)
      if (written.strangers === 0n) return
    }
    return yield* Effect.die(new Error("the links of new peers could not be made"))
  })

  /**
   * The same, where messages to peers in `links` get their numbers at once: those of them to whom nothing is owed that
   * has none, so that nothing is overtaken.
   */
  const insertNumbered = (columns: Columns, epochs: ReadonlyArray<bigint>, now: number) => {
    const { bodies, counts, deadlines, ids, nths, peers, protocols, subjects, to } = columns
    return sql`
      WITH mine AS MATERIALIZED (
        SELECT l.id, l.peer, given.n, l.last, given.messages,
          (SELECT true FROM holdfast_outbox o WHERE o.link = l.id AND o.seq IS NULL AND NOT o.waiting LIMIT 1) IS NULL
          AND (SELECT true FROM holdfast_outbox o WHERE o.link = l.id AND o.waiting LIMIT 1) IS NULL AS free
        FROM holdfast_links l
        JOIN unnest(${peers}::text[], ${epochs}::bigint[], ${counts}::bigint[])
          WITH ORDINALITY AS given(peer, epoch, messages, n) ON given.peer = l.peer AND given.epoch = l.epoch
        WHERE l.peer = ANY(${peers}::text[])
        ORDER BY l.peer FOR UPDATE OF l
      ), others AS MATERIALIZED (
        SELECT given.n, l.id FROM holdfast_links l
        JOIN unnest(${peers}::text[]) WITH ORDINALITY AS given(peer, n) ON given.peer = l.peer
        WHERE l.peer = ANY(${peers}::text[]) AND given.n NOT IN (SELECT n FROM mine)
      ), targets AS (
        SELECT n, id, last, free FROM mine UNION ALL SELECT n, id, 0, false FROM others
      ), known AS (
        SELECT (SELECT count(*) FROM targets) = cardinality(${peers}::text[]) AS yes
      ), written AS (
        INSERT INTO holdfast_outbox (id, link, protocol, subject, body, deadline, created_at, due_at, seq, attempts)
        SELECT given.id, targets.id, given.protocol, given.subject, given.body, nullif(given.deadline, -1),
          ${BigInt(now)}::bigint, ${BigInt(now)}::bigint,
          CASE WHEN targets.free THEN targets.last + given.nth END, CASE WHEN targets.free THEN 1 ELSE 0 END
        FROM unnest(
          ${ids}::uuid[], ${to}::integer[], ${nths}::bigint[], ${protocols}::text[], ${subjects}::text[],
          ${bodies}::bytea[], ${deadlines}::bigint[]
        ) WITH ORDINALITY AS given(id, peer, nth, protocol, subject, body, deadline, n)
        JOIN targets ON targets.n = given.peer
        WHERE (SELECT yes FROM known)
        ORDER BY given.n
      ), moved AS (
        UPDATE holdfast_links l SET last = l.last + mine.messages
        FROM mine WHERE l.id = mine.id AND mine.free AND (SELECT yes FROM known)
      )
      SELECT mine.peer, mine.last, mine.free AND known.yes AS free, known.yes AS known
      FROM known LEFT JOIN mine ON true`
  }

  const gathering = (connection: SqlConnection.Connection & Gathering, now: number): Sends => {
    if (connection.gathered instanceof Sends) return connection.gathered
    const sends = new Sends((messages) =>
      Effect.provideService(insertAll(messages, now), sql.transactionService, [connection, 0])
    )
    connection.gathered = sends
    return sends
  }

  const submit = Effect.fnUntraced(function* (
    messages: ReadonlyArray<Outgoing>,
    now: number,
    links: ReadonlyArray<Link>
  ): Effect.fn.Return<ReadonlyArray<{ readonly peer: NodeKey; readonly first: bigint }>, SqlError> {
    const columns = columnsOf(messages)
    const epochs = columns.peers.map((peer) => links.find((link) => link.peer === peer)?.epoch ?? -1n)
    const rows = readSubmitted(yield* insertNumbered(columns, epochs, now))
    if (rows[0]?.known !== true) {
      yield* insertAll(messages, now)
      return []
    }
    return rows.flatMap(({ free, last, peer }) =>
      free === true && peer !== null && last !== null ? [{ peer, first: last + 1n }] : []
    )
  })

  /** The node's row first, and locked, as a claim does: nobody takes over what is being written. */
  const resubmit = (...submitted: Parameters<typeof submit>) =>
    sql.withTransaction(
      Effect.flatMap(
        sql`SELECT incarnation FROM holdfast_node WHERE incarnation = ${incarnation} FOR SHARE`,
        ([owner]): Effect.Effect<Effect.Success<ReturnType<typeof submit>>, SqlError | LinkFenced> => {
          const [message] = submitted[0]
          return owner === undefined && message !== undefined
            ? Effect.fail(new LinkFenced({ peer: message.peer, epoch: 0n }))
            : submit(...submitted)
        }
      )
    )

  /** The connection of the fiber's open transaction. */
  const current = <A, E>(
    then: (connection: SqlConnection.Connection | undefined) => Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.withFiber((fiber) => then(Context.getOrUndefined(fiber.context, sql.transactionService)?.[0]))

  return {
    enqueue: (messages, now) =>
      messages.length === 0
        ? Effect.succeed([])
        : current((connection) =>
            connection === undefined || !offers(connection)
              ? Effect.as(insertAll(messages, now), [...new Set(messages.map(({ peer }) => peer))])
              : Effect.sync(() => gathering(connection, now).add(messages))
          ),

    submit: (messages, now, links, again) => (again === true ? resubmit : submit)(messages, now, links),

    flush: current((connection) =>
      connection !== undefined && offers(connection) && connection.gathered instanceof Sends
        ? connection.gathered.write
        : Effect.void
    )
  }
}
