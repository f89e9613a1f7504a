/** What is still held when garbage has been collected. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

setFlagsFromString("--expose-gc")
const collect: unknown = runInNewContext("gc")

/** Bytes of the heap and of the buffers outside of it that somebody still holds. */
export const retained = (): number => {
  if (typeof collect !== "function") throw new Error("this Node does not let garbage be collected")
  // What the first finds unused of the buffers is let go of beside this thread, and before the second begins.
  collect()
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
