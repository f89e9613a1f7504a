/** All that speaks on live sessions beside delivery, as one. */
import { Effect } from "effect"
import type { Beside } from "./Beside.ts"

/** They join a session in this order, and each frame goes to the one that has its kind; one that nobody has is a violation. */
export const all = (besides: ReadonlyArray<Beside>): Beside => {
  const byKind = new Map(besides.flatMap((beside) => beside.kinds.map((kind) => [kind, beside] as const)))
  return {
    kinds: [...byKind.keys()],
    join: (session) => Effect.forEach(besides, (beside) => beside.join(session), { discard: true }),
    receive: (session, frame) => {
      const beside = byKind.get(frame.kind)
      return beside === undefined
        ? `frame kind ${frame.kind} is nothing that this node reads`
        : beside.receive(session, frame)
    }
  }
}
