/**
 * The checks of links: what their rows say of numbers and positions, and rows that have no link.
 */
import { Schema } from "effect"
import type { SqlClient } from "effect/sql"
import { NodeKey } from "../../protocol/NodeKey.ts"
import type { Finding } from "../../services/delivery/Audit.ts"
import { Int8Number } from "../SqlRow.ts"
import { type AuditCheck, check, restore, rowLimit } from "./Check.ts"

const orphaned = ["holdfast_outbox", "holdfast_arrivals", "holdfast_outcomes", "holdfast_applied", "holdfast_held"]

const OrphanRow = Schema.Struct({ link: Schema.Int, rows: Int8Number })

const SendingRow = Schema.Struct({
  peer: NodeKey,
  last: Schema.BigInt,
  receipted: Schema.BigInt,
  first: Schema.NullOr(Schema.BigInt),
  newest: Schema.NullOr(Schema.BigInt),
  rows: Schema.BigInt,
  numbers: Schema.BigInt,
  under_way: Schema.BigInt
})

/** What is wrong with the numbers of one link. */
const ofSending = (row: typeof SendingRow.Type): ReadonlyArray<Finding> => {
  const { last, newest, numbers, receipted, rows, under_way } = row
  const found: Array<Finding> = []
  const add = (kind: Finding["kind"], detail: string) => found.push({ kind, about: row.peer, detail, fix: restore })
  if (receipted > last) {
    add("receipted-beyond-last", `messages are receipted up to ${receipted}, numbers were given up to ${last}`)
  }
  if (newest !== null && newest > last) {
    add("number-beyond-last", `a message has the number ${newest}, numbers were given up to ${last}`)
  }
  if (row.first !== null && row.first <= receipted) {
    add("number-receipted", `a message has the number ${row.first}, which is receipted: so is all up to ${receipted}`)
  }
  if (rows > numbers) add("number-twice", `${rows} messages under way share ${numbers} numbers`)
  const missing = last - receipted - under_way
  if (missing > 0n) {
    add("number-missing", `${missing} of the numbers from ${receipted + 1n} to ${last} have no message`)
  }
  return found
}

const ReceivingRow = Schema.Struct({
  peer: NodeKey,
  position: Schema.BigInt,
  seen: Schema.BigInt,
  held: Schema.Int,
  confirmed: Schema.BigInt,
  early: Schema.BigInt,
  held_rows: Schema.BigInt,
  held_early: Schema.BigInt
})

/** What is wrong with what a receiver keeps of one link. */
const ofReceiving = (row: typeof ReceivingRow.Type): ReadonlyArray<Finding> => {
  const { confirmed, early, held, held_early, held_rows, position, seen } = row
  const found: Array<Finding> = []
  const add = (kind: Finding["kind"], detail: string) => found.push({ kind, about: row.peer, detail, fix: restore })
  if (confirmed > 0n) add("answer-confirmed", `${confirmed} answers are kept that the peer has confirmed up to ${seen}`)
  if (early > 0n)
    add("answer-beyond-position", `${early} answers are to messages beyond ${position}, the last received`)
  if (held_rows !== BigInt(held)) add("held-miscounted", `${held} messages are said to wait here, ${held_rows} do`)
  if (held_early > 0n) {
    add("held-beyond-position", `${held_early} messages wait here beyond ${position}, the last received`)
  }
  return found
}

export const make = (sql: SqlClient.SqlClient): ReadonlyArray<AuditCheck> => [
  ...orphaned.map((table) =>
    check(
      `the links of ${table}`,
      sql`
        SELECT link, count(*) AS rows FROM ${sql(table)} t
        WHERE NOT EXISTS (SELECT FROM holdfast_links l WHERE l.id = t.link)
        GROUP BY link ORDER BY link LIMIT ${rowLimit}`,
      OrphanRow,
      ({ link, rows }) => ({
        kind: "rows-without-link",
        about: table,
        detail: `${rows} rows are of link ${link}, which does not exist`,
        fix:
          table === "holdfast_outbox"
            ? `They cannot be sent as they are. ${restore}`
            : `They serve nothing any more: DELETE FROM ${table} WHERE link = ${link}.`
      })
    )
  ),
  // Each link by its index: what has a number is never more than is under way.
  check(
    "the numbers of sent messages",
    sql`
      SELECT * FROM (
        SELECT l.peer, l.last, l.receipted, n.* FROM holdfast_links l CROSS JOIN LATERAL (
          SELECT min(o.seq) AS first, max(o.seq) AS newest, count(*) AS rows, count(DISTINCT o.seq) AS numbers,
            count(DISTINCT o.seq) FILTER (WHERE o.seq > l.receipted AND o.seq <= l.last) AS under_way
          FROM holdfast_outbox o WHERE o.link = l.id AND o.seq IS NOT NULL
        ) AS n
      ) AS link
      WHERE receipted > last OR newest > last OR first <= receipted OR rows > numbers OR under_way < last - receipted
      ORDER BY peer LIMIT ${rowLimit}`,
    SendingRow,
    ofSending
  ),
  check(
    "the positions of received messages",
    sql`
      SELECT * FROM (
        SELECT l.peer, a.position, a.seen, a.held,
          (SELECT count(*) FROM holdfast_outcomes o WHERE o.link = a.link AND o.seq <= a.seen) AS confirmed,
          (SELECT count(*) FROM holdfast_outcomes o WHERE o.link = a.link AND o.seq > a.position) AS early,
          (SELECT count(*) FROM holdfast_held h WHERE h.link = a.link) AS held_rows,
          (SELECT count(*) FROM holdfast_held h WHERE h.link = a.link AND h.seq > a.position) AS held_early
        FROM holdfast_arrivals a JOIN holdfast_links l ON l.id = a.link
      ) AS link
      WHERE confirmed > 0 OR early > 0 OR held_rows <> held OR held_early > 0
      ORDER BY peer LIMIT ${rowLimit}`,
    ReceivingRow,
    ofReceiving
  )
]
