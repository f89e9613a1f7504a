/**
 * Nodes whose rows are as they should be once all is quiet: tallies that both have signed, with pledges, settings and lifts in a chain.
 */
import type { Person } from "../../../src/protocol/credit/Chad.ts"
import * as Chit from "../../../src/protocol/credit/Chit.ts"
import * as ChitLog from "../../../src/protocol/credit/ChitLog.ts"
import type { ChitState } from "../../../src/protocol/credit/ChitState.ts"
import * as LiftPlan from "../../../src/protocol/credit/LiftPlan.ts"
import * as LiftRecord from "../../../src/protocol/credit/LiftRecord.ts"
import { type Signature, signWith } from "../../../src/protocol/credit/Signature.ts"
import type { LiftView, Site } from "../../../src/protocol/credit/Snapshot.ts"
import * as Tally from "../../../src/protocol/credit/TallyDocument.ts"
import type { TallyHalf } from "../../../src/protocol/credit/TallyHalf.ts"
import { type Drawn, halfOf, person, secretOf, signerOf, tallyId, uuid } from "./Halves.ts"

interface Book {
  readonly drawn: Drawn
  readonly document: Tally.TallyDocument
  /** Good chits in their order, and lifts that are promised. */
  readonly chits: Array<Omit<ChitState, "holder">>
  at: ChitLog.Position
  net: bigint
}

export class HonestWorld {
  readonly #nodes: Readonly<Record<string, string>>
  readonly #books = new Map<string, Book>()
  readonly #lifts: Array<LiftView> = []
  #chits = 0

  /** Names of nodes by those of their users. */
  constructor(nodes: Readonly<Record<string, string>>) {
    this.#nodes = nodes
  }

  person(name: string): Person {
    return person(name, this.#nodes[name]!)
  }

  open(n: number, stock: string, foil: string, limit = 1_000_000n): void {
    const drawn = {
      id: tallyId(n),
      stock: this.person(stock),
      foil: this.person(foil),
      limits: { stock: limit, foil: limit }
    }
    const { document } = halfOf(drawn, "stock")
    if (document === undefined) return
    this.#books.set(drawn.id, { drawn, document, chits: [], at: ChitLog.genesis(Tally.digest(document)), net: 0n })
  }

  pledge(n: number, by: Tally.Side, units: bigint): void {
    this.#sign(n, { type: "tran", tally: tallyId(n), uuid: this.#chit(), by, date: 1, units })
  }

  set(n: number, by: Tally.Side, sets: typeof Chit.Settings.Type): void {
    this.#sign(n, { type: "set", tally: tallyId(n), uuid: this.#chit(), by, date: 1, sets })
  }

  /** A lift that one referee has decided, or that is promised: `legs` are tallies and who pledges on them. */
  lift(n: number, legs: ReadonlyArray<readonly [number, Tally.Side]>, units: bigint, status: LiftView["status"]): void {
    const books = legs.map(([n, by]) => ({ by, drawn: this.#book(n).drawn }))
    const payor = books[0]!.drawn[books[0]!.by]
    const payee = books.at(-1)!.drawn[Tally.other(books.at(-1)!.by)]
    const plan: LiftPlan.LiftPlan = {
      version: 1,
      lift: LiftPlan.LiftId.make(uuid(3, n)),
      legs: books.map(({ by, drawn }) => ({
        tally: drawn.id,
        from: drawn[by].agent,
        to: drawn[Tally.other(by)].agent,
        by
      })),
      units,
      date: 1,
      expires: 2,
      referees: [{ key: secretOf("referee").key, host: "127.0.0.1", port: 4_000 }],
      payor,
      payee,
      payorKey: secretOf(payor.cuid).key
    }
    const record = status === "good" || status === "void" ? this.record(plan, status) : undefined
    this.#lifts.push({ plan, status, record })
    for (const [leg, [n]] of legs.entries()) {
      const core = LiftPlan.chitOf(plan, leg)
      const asked = { core, status: status === "void" ? "void" : "asked", revision: 1, changed: 1 } as const
      if (status === "good") this.#place(n, { core, record })
      else if (status !== "refused") this.#book(n).chits.push(asked)
    }
  }

  record(plan: LiftPlan.LiftPlan, verdict: LiftRecord.Verdict): LiftRecord.LiftRecord {
    const digest = LiftPlan.digest(plan)
    const ballot = verdict === "good" ? LiftRecord.first : { round: 1, by: plan.legs[0]!.from }
    const nameOf = (key: string): string => Object.values(this.#nodes).find((name) => secretOf(name).key === key)!
    return {
      plan,
      authority: signWith(signerOf(plan.payor.cuid), "lift", digest),
      verdict,
      ballot,
      votes: [LiftRecord.vote(digest, ballot, verdict, secretOf("referee").key, signerOf("referee"))],
      promises:
        verdict === "void"
          ? []
          : LiftPlan.nodes(plan).map((node) => LiftRecord.promise(digest, node, signerOf(nameOf(node))))
    }
  }

  /** What all nodes hold. */
  sites(): ReadonlyArray<Site> {
    return [...new Set(Object.values(this.#nodes))].map((name) => {
      const agent = secretOf(name).key
      const own = [...this.#books.values()].flatMap((book) =>
        (["stock", "foil"] as const).filter((side) => book.drawn[side].agent === agent).map((side) => ({ book, side }))
      )
      return {
        agent,
        halves: own.map(({ book, side }) => this.#half(book, side)),
        chits: own.flatMap(({ book, side }) => book.chits.map((chit) => ({ holder: book.drawn[side].cuid, ...chit }))),
        lifts: this.#lifts.filter(({ plan }) => LiftPlan.nodes(plan).includes(agent))
      }
    })
  }

  #book(n: number): Book {
    return this.#books.get(tallyId(n))!
  }

  #chit(): Chit.ChitId {
    return Chit.ChitId.make(uuid(4, ++this.#chits))
  }

  #sign(n: number, core: Chit.Core): void {
    const signer = signerOf(this.#book(n).drawn[core.by].cuid)
    this.#place(n, { core, sign: signWith(signer, "chit", Chit.digest(core)) })
  }

  #place(n: number, chit: { core: Chit.Core; sign?: Signature; record?: LiftRecord.LiftRecord | undefined }): void {
    const book = this.#book(n)
    const { core, record, sign } = chit
    book.at = ChitLog.next(book.at, { core, sign })
    book.net += Chit.effect(core)
    book.chits.push({
      core,
      status: "good",
      revision: 1,
      ...book.at,
      changed: 1,
      ...(sign !== undefined && { sign }),
      ...(record !== undefined && { record })
    })
  }

  #half({ at, chits, document, drawn, net }: Book, side: Tally.Side): TallyHalf {
    const held = { stock: 0n, foil: 0n }
    for (const { core, status } of chits) if (status === "asked" && core.type === "lift") held[core.by] += core.units
    const sets: Record<Tally.Side, typeof Chit.Settings.Type> = { stock: {}, foil: {} }
    for (const { core } of chits) if (core.type === "set") sets[core.by] = { ...sets[core.by], ...core.sets }
    const sign = (of: Tally.Side): Signature => signWith(signerOf(drawn[of].cuid), "tally", Tally.digest(document))
    const head = ChitLog.signHead(drawn.id, at, signerOf(this.#nodes[drawn.foil.cuid]!))
    return {
      ...halfOf({ ...drawn, net, up: held.foil, down: held.stock }, side),
      signs: { stock: sign("stock"), foil: sign("foil") },
      sets,
      chain: { at, told: at.index, agreed: at.index, head, unplaced: 0, closedThere: false }
    }
  }
}
