/**
 * Bugs in the statements of the SQL stores, which simulations in memory do not run: they are hunted by the properties of
 * `test/support/StoreProperties.ts`, on the embedded database.
 */
import type { Property } from "../support/StoreProperties.ts"
import type { Planted } from "./Mutant.ts"

export interface StoreMutant extends Planted {
  /** One sentence. */
  readonly what: string
  /** The property that must find it. */
  readonly property: Property
}

const numbering = "src/layers/retry/SqlNumbering.ts"
const settling = "src/layers/retry/SqlSettling.ts"
const receiving = "src/layers/retry/SqlReceiving.ts"

export const storing: ReadonlyArray<StoreMutant> = [
  {
    name: "sql-numbers-stay",
    what: "The numbers that were given out are not remembered.",
    file: numbering,
    find: `SET last = last + cardinality(`,
    replace: `SET last = last + 0 * cardinality(`,
    property: "numbers have no holes"
  },
  {
    name: "sql-numbers-skip",
    what: "Every look leaves a number out.",
    file: numbering,
    find: `SET last = last + cardinality(`,
    replace: `SET last = last + 1 + cardinality(`,
    property: "numbers have no holes"
  },
  {
    name: "sql-overtakes",
    what: "A message is taken although an earlier one of its subject waits.",
    file: numbering,
    find: `SELECT place, bytes FROM ready WHERE NOT behind`,
    replace: `SELECT place, bytes FROM ready`,
    property: "nobody overtakes in a subject"
  },
  {
    name: "sql-takes-without-epoch",
    what: "A former owner gives numbers.",
    file: numbering,
    find: `SELECT id, last FROM holdfast_links WHERE peer = \${link.peer} AND epoch = \${link.epoch} FOR UPDATE`,
    replace: `SELECT id, last FROM holdfast_links WHERE peer = \${link.peer} AND epoch >= \${link.epoch} FOR UPDATE`,
    property: "a former owner writes nothing"
  },
  {
    name: "sql-settles-without-epoch",
    what: "A former owner settles receipts.",
    file: settling,
    find: `            FROM holdfast_links WHERE peer = \${link.peer} AND epoch = \${link.epoch} FOR UPDATE
          ), gone AS (`,
    replace: `            FROM holdfast_links WHERE peer = \${link.peer} AND epoch >= \${link.epoch} FOR UPDATE
          ), gone AS (`,
    property: "a former owner writes nothing"
  },
  {
    name: "sql-forgets-answers",
    what: "The last answer that a peer has not seen is forgotten as well.",
    file: receiving,
    find: `AND o.seq <= (SELECT seen FROM mine)`,
    replace: `AND o.seq <= (SELECT seen FROM mine) + 1`,
    property: "answers are kept until they are seen"
  },
  {
    name: "sql-settles-too-much",
    what: "A receipt settles the message behind it.",
    file: settling,
    find: `AND o.seq > (SELECT receipted FROM mine) AND o.seq <= (SELECT final FROM mine)
            RETURNING`,
    replace: `AND o.seq > (SELECT receipted FROM mine) AND o.seq <= (SELECT final FROM mine) + 1
            RETURNING`,
    property: "only what was receipted is gone"
  },
  {
    name: "sql-forgets-applied",
    what: "What an earlier stream has brought is not looked for.",
    file: receiving,
    find: `UPDATE holdfast_applied p SET superseded = true`,
    replace: `UPDATE holdfast_applied p SET superseded = true, ids = '{}'`,
    property: "ids are known after a change of stream"
  }
]
