/** What the schedule of blocks has done, or says. */

export type Action =
  /** In the order of their heights. `request` is 32 bits that no other request of the last four milliards has. */
  | { readonly _tag: "Ask"; readonly peer: number; readonly request: number; readonly ids: ReadonlyArray<string> }
  /** It is slow from now on: others are asked first for a while. */
  | { readonly _tag: "Slow"; readonly peer: number }
  /** Everybody is late with the first missing block, which is waited for since then. */
  | { readonly _tag: "Stalled"; readonly since: number }
