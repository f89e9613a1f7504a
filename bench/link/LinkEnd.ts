/**
 * One end of the link benchmark, as a process: listens or dials with the contender that its first argument names.
 */
import * as End from "../End.ts"
import { contenders, isContender } from "./Contenders.ts"
import { type Address, counted, type Count, type Dial, type Line, message, sentBack } from "./Line.ts"

const name = process.argv[2] ?? ""
if (!isContender(name)) throw new Error(`"${name}" is not a contender`)
const contender = await contenders[name]()

const count: Count = { messages: 0, bytes: 0 }
const held: Array<Line> = []
let dial: Dial | undefined
let line: Line | undefined

const current = (): Line => {
  if (line === undefined) throw new Error("nothing was dialled")
  return line
}

const functions = {
  listen: (many: number): Promise<ReadonlyArray<Address>> =>
    Promise.all(Array.from({ length: many }, () => contender.listen(count))),
  /** What has been counted since it was last asked. */
  counted: (): Count => {
    const result = { ...count }
    count.messages = 0
    count.bytes = 0
    return result
  },
  /** Connects and disconnects, one at a time: microseconds to the connection, and to its first answer. */
  connects: async ({ address, times }: { readonly address: Address; readonly times: number }) => {
    dial ??= await contender.dialler(address)
    const live = new Float64Array(times)
    const answered = new Float64Array(times)
    for (let i = 0; i < times; i++) {
      const from = performance.now()
      const next = await dial(address)
      live[i] = (performance.now() - from) * 1_000
      await next.pings(1)
      answered[i] = (performance.now() - from) * 1_000
      await next.close()
    }
    return { live, answered }
  },
  dial: async (address: Address): Promise<void> => {
    dial ??= await contender.dialler(address)
    line = await dial(address)
  },
  pings: (times: number) => current().pings(times),
  requests: ({ size, times }: { readonly size: number; readonly times: number }) =>
    current().requests(message(sentBack, size), times),
  flood: ({ millis, size }: { readonly size: number; readonly millis: number }) =>
    current().flood(message(counted, size), millis),
  /** Dials every address with one identity and keeps the connections. */
  gather: async (addresses: ReadonlyArray<Address>): Promise<void> => {
    dial ??= await contender.dialler(highest(addresses))
    for (const address of addresses) held.push(await dial(address))
  },
  /** Dials one address with many identities and keeps the connections. */
  crowd: async ({ address, times }: { readonly address: Address; readonly times: number }): Promise<void> => {
    for (let i = 0; i < times; i++) held.push(await (await contender.dialler(address))(address))
  },
  memory: () => End.memory()
}
export type Functions = typeof functions

/** A dialler is above the key it was made for, so above all of them if it was made for the highest. */
const highest = (addresses: ReadonlyArray<Address>): Address =>
  addresses.reduce((best, address) => (address.key > best.key ? address : best))

End.serve(functions)
