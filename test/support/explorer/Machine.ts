/**
 * The rules that are explored: those of production, or with a bug in one of them.
 */
import * as Admission from "../../../src/protocol/link/Admission.ts"
import * as Arbiter from "../../../src/protocol/link/Arbiter.ts"
import * as Handshake from "../../../src/protocol/link/Handshake.ts"

/** The functions under test; a mutation replaces one of them. */
export interface Machine {
  readonly step: typeof Arbiter.step
  readonly standing: typeof Arbiter.standing
  readonly handshake: typeof Handshake.step
  readonly admission: typeof Admission.step
}

export const production: Machine = {
  step: Arbiter.step,
  standing: Arbiter.standing,
  handshake: Handshake.step,
  admission: Admission.step
}
