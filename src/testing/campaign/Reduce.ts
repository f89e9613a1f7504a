/**
 * The searches behind shrinking: fewer things of a list, a smaller number. What they ask costs a run each, so they ask as
 * little as they can, the most hopeful first, and always the same.
 */

/** Whether it is still so with this instead. */
export type Holds<A> = (candidate: A) => Promise<boolean>

/**
 * Delta debugging: leaves out halves, quarters and so on, the last ones first, until no single thing can be left out.
 * Resolves to what is left. It takes about twice as many questions as things are left, times the logarithm of how many
 * there were.
 */
export const fewer = async <A>(things: ReadonlyArray<A>, holds: Holds<ReadonlyArray<A>>): Promise<ReadonlyArray<A>> => {
  if (things.length === 0) return things
  if (await holds([])) return []
  let left = things
  let size = Math.ceil(left.length / 2)
  while (true) {
    const before = left.length
    for (let end = left.length; end > 0; end -= size) {
      const without = [...left.slice(0, Math.max(0, end - size)), ...left.slice(end)]
      if (without.length > 0 && (await holds(without))) left = without
    }
    if (size > 1) size = Math.ceil(size / 2)
    else if (left.length === before) return left
  }
}

/** The least number from `least` to `value` with which it holds, if it holds from there on. */
export const least = async (value: number, lowest: number, holds: Holds<number>): Promise<number> => {
  if (value <= lowest) return value
  if (await holds(lowest)) return lowest
  let [fails, good] = [lowest, value]
  while (good - fails > 1) {
    const middle = Math.floor((good + fails) / 2)
    if (await holds(middle)) good = middle
    else fails = middle
  }
  return good
}

/** `lowest`, or a number that is halved as long as it holds: within twice the least one. */
export const halved = async (value: number, lowest: number, holds: Holds<number>): Promise<number> => {
  if (value <= lowest) return value
  if (await holds(lowest)) return lowest
  let good = value
  while (true) {
    const half = Math.floor(good / 2)
    if (half <= lowest || !(await holds(half))) return good
    good = half
  }
}
