/**
 * Ports that refuse dials because a fault has it so: shut for as long as that lasts or, for a share of the dials, for
 * this share of the time. A port that is open cannot refuse: the operating system answers before anybody is asked.
 */
import type { Rng } from "../world/Rng.ts"
import type { LocalPort } from "./LocalPort.ts"

/** For how long a port is open or shut in one go, where only a share of dials is refused. Milliseconds. */
const slice = 100

/** Returns what ends it, and says how often a port was shut. */
export const refuse = (ports: ReadonlyArray<LocalPort>, share: number, random: Rng): (() => number) => {
  const by = {}
  let shut = 0
  const draw = () => {
    for (const port of ports) {
      if (random.next() < share) {
        shut++
        port.shut(by)
      } else port.open(by)
    }
  }
  draw()
  const timer = share < 1 ? setInterval(draw, slice) : undefined
  return () => {
    clearInterval(timer)
    for (const port of ports) port.open(by)
    return shut
  }
}
