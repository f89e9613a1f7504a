/** Decodes, as the contender that its first argument names, in a process of its own. */
import * as End from "../End.ts"
import { contenders, isContender } from "./Contenders.ts"
import { piecesOf } from "./Decoding.ts"
import * as Mixes from "./Mixes.ts"

const name = process.argv[2] ?? ""
if (!isContender(name)) throw new Error(`"${name}" is not a contender`)
const contender = await contenders[name]()

const made = new Map<Mixes.Name, Mixes.Mix>()
const mixNamed = (mix: Mixes.Name): Mixes.Mix => {
  const known = made.get(mix) ?? Mixes.mixes[mix]()
  made.set(mix, known)
  return known
}

/** Microseconds that this process has computed. */
const cpu = (): number => {
  const { system, user } = process.cpuUsage()
  return system + user
}

const functions = {
  /**
   * One stream after the other for so long, each on a connection of its own: the microseconds of processor time that
   * decoding took, in all threads, without making connections. Fails if not all of them was decoded.
   */
  decode: async ({
    ids,
    millis,
    mix
  }: {
    readonly mix: Mixes.Name
    readonly ids: boolean
    readonly millis: number
  }) => {
    const { bytes, items, messages } = mixNamed(mix)
    const pieces = piecesOf(bytes)
    const until = performance.now() + millis
    let times = 0
    let spent = 0
    do {
      const decoding = await contender.open(ids)
      const from = cpu()
      for (const piece of pieces) {
        const waiting = decoding.feed(piece)
        if (waiting !== undefined) await waiting
      }
      const decoded = await decoding.finished()
      spent += cpu() - from
      times++
      if (decoded.messages !== messages || decoded.items !== items) {
        throw new Error(
          `${mix}: ${decoded.messages} messages with ${decoded.items} items, not ${messages} with ${items}`
        )
      }
    } while (performance.now() < until)
    return { micros: spent, messages: times * messages, bytes: times * bytes.length }
  }
}
export type Functions = typeof functions

End.serve(functions)
