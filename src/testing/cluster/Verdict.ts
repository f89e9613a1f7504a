/**
 * What a run showed: that everything held, or the first thing that did not.
 */
import { Schema } from "effect"

export const Verdict = Schema.Union([
  Schema.TaggedStruct("Held", {}),
  /** Something happened that must never happen. */
  Schema.TaggedStruct("Unsafe", { property: Schema.String, detail: Schema.String }),
  /** Something that must happen had not when the quiet fifth was over. */
  Schema.TaggedStruct("Stuck", { property: Schema.String, detail: Schema.String }),
  /** The run reached out of its world, so that it cannot be replayed. */
  Schema.TaggedStruct("Leaked", { what: Schema.String, stack: Schema.String }),
  /** The simulator, the scenario or a check is broken. */
  Schema.TaggedStruct("Broken", { detail: Schema.String }),
  /** The plan leaves no way to succeed: it says nothing about the code. */
  Schema.TaggedStruct("Hopeless", { detail: Schema.String })
]).pipe(Schema.toTaggedUnion("_tag"))
export type Verdict = typeof Verdict.Type

export const held: Verdict = { _tag: "Held" }

/** Whether a verdict is a failure of what is tested or of the test. */
export const isFailure = ({ _tag }: Verdict): boolean => _tag !== "Held" && _tag !== "Hopeless"

/** Whether two runs failed in the same way, whatever their words. */
export const isSame = (a: Verdict, b: Verdict): boolean =>
  a._tag === b._tag && ("property" in a ? "property" in b && a.property === b.property : true)

/** One line for people. */
export const describe = (verdict: Verdict): string => {
  switch (verdict._tag) {
    case "Held":
      return "everything held"
    case "Unsafe":
      return `never: ${verdict.property}: ${verdict.detail}`
    case "Stuck":
      return `not in time: ${verdict.property}: ${verdict.detail}`
    case "Leaked":
      return `${verdict.what} was used\n${verdict.stack}`
    case "Broken":
      return `the simulation broke: ${verdict.detail}`
    case "Hopeless":
      return `the plan cannot succeed: ${verdict.detail}`
  }
}
