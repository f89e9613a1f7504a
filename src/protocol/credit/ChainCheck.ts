/**
 * Whether the chits of a half are one chain, as it says, looked at in their order without keeping them: a place that is wrong is named,
 * and those behind it are judged by what it says of itself, so that one broken chit is one finding.
 */
import type { Settings } from "./Chit.ts"
import * as ChitLog from "./ChitLog.ts"
import type { ChitState } from "./ChitState.ts"
import type { Proofs } from "./Proofs.ts"
import { chitName, type Expect, nameOf } from "./Snapshot.ts"
import type { Side } from "./TallyDocument.ts"
import type { TallyHalf } from "./TallyHalf.ts"

/** `chit` for each chit, those that have a place first and in its order, then `end`. */
export class ChainCheck {
  readonly #half: TallyHalf
  readonly #proofs: Proofs
  readonly #expect: Expect
  /** What the last place may be: as it follows from what is before, and as its chit says where that differs. */
  #ends: ReadonlyArray<ChitLog.Position>
  #placed = 0
  #loose = 0
  /** What the sides have set, the later ones over the earlier ones. */
  readonly #made: Record<Side, Settings> = { stock: {}, foil: {} }

  constructor(half: TallyHalf, proofs: Proofs, expect: Expect) {
    this.#half = half
    this.#proofs = proofs
    this.#expect = expect
    this.#ends = half.document === undefined ? [] : [ChitLog.genesis(proofs.document(half.document))]
  }

  chit(chit: ChitState): void {
    if (chit.index !== undefined) return this.#place(chit, chit.index)
    if (chit.status === "good") this.#loose++
  }

  end(): void {
    const { chain } = this.#half
    const about = nameOf(this.#half)
    if (chain === undefined || this.#ends.length === 0) {
      return this.#expect(this.#half.status !== "open", "I6", about, "It is open and has no chain.")
    }
    const { agreed, at, told, unplaced } = chain
    this.#expect(this.#placed === at.index, "I6", about, `${this.#placed} chits have ${at.index} places.`)
    const isLast = this.#ends.some(({ hash, index }) => index === at.index && hash === at.hash)
    this.#expect(isLast, "I6", about, `Its chain ends at ${this.#ends[0]?.index}, not as it says at ${at.index}.`)
    const isInOrder = agreed <= told && told <= at.index
    this.#expect(isInOrder, "I6", about, `Agreed ${agreed}, told ${told}, placed ${at.index}.`)
    this.#expect(this.#isSet(), "I6", about, "Its settings are not those of its chain.")
    // I7, as far as one half tells: it has not forgotten what still needs a place.
    this.#expect(this.#loose === unplaced, "I7", about, `${this.#loose} good chits have no place, not ${unplaced}.`)
  }

  /** I6: good chits have the places 1 to the last one, each with the hash that follows from what is before. */
  #place(chit: ChitState, index: number): void {
    const [last] = this.#ends
    if (last === undefined) return
    const about = chitName(chit)
    const { hash, status } = chit
    this.#placed++
    const { core } = chit
    if (core.type === "set") this.#made[core.by] = { ...this.#made[core.by], ...core.sets }
    this.#expect(status === "good", "I6", about, `It is ${status} and has a place.`)
    const before = this.#ends.filter((end) => end.index + 1 === index)
    if (before.length === 0) return this.#misplaced(chit, last, index)
    const due = before.map((end) => this.#proofs.next(end, chit))
    const fits = due.filter((one) => one.hash === hash)
    this.#expect(fits.length > 0, "I6", about, `It has not the hash of its place, ${index}.`)
    this.#ends = fits.length > 0 ? fits : [...due.slice(0, 1), ...(hash === undefined ? [] : [{ index, hash }])]
    this.#seal(chit, index)
  }

  #isSet(): boolean {
    const isSame = (side: Side): boolean => {
      const [made, set] = [this.#made[side], this.#half.sets[side]]
      return made.target === set.target && made.bound === set.bound && made.close === set.close
    }
    return isSame("stock") && isSame("foil")
  }

  /** What comes behind it may follow from the place that it says, or from the one that it should have. */
  #misplaced(chit: ChitState, last: ChitLog.Position, index: number): void {
    const { hash = last.hash } = chit
    if (index <= last.index) return this.#expect(false, "I6", chitName(chit), `Another chit has its place, ${index}.`)
    const due = last.index + 1
    this.#expect(false, "I6", chitName(chit), `It is at ${index}, and nothing is at ${due}.`)
    this.#ends = [
      { index, hash },
      { index: due, hash }
    ]
  }

  /** I15: the signature that stock was given on a place is that of foil's agent. */
  #seal(chit: ChitState, index: number): void {
    const { document, id } = this.#half
    const { hash, head } = chit
    if (head === undefined || hash === undefined || document === undefined) return
    const isSealed = this.#proofs.isSealed(id, chit, { index, hash, sign: head }, document.foil.cert.chad.agent)
    this.#expect(isSealed, "I15", chitName(chit), `Its place, ${index}, is not signed by foil's agent.`)
  }
}
