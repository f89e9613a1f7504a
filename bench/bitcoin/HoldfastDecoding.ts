/** Ours: the frames that a link cuts, and the payload of each as the services decode it. */
import { Result } from "effect"
import * as Beat from "../../src/protocol/bitcoin/Beat.ts"
import * as Block from "../../src/protocol/bitcoin/Block.ts"
import * as Command from "../../src/protocol/bitcoin/Command.ts"
import * as Headers from "../../src/protocol/bitcoin/Headers.ts"
import * as Inventory from "../../src/protocol/bitcoin/Inventory.ts"
import * as MessageFrame from "../../src/protocol/bitcoin/MessageFrame.ts"
import * as NetworkAddress from "../../src/protocol/bitcoin/NetworkAddress.ts"
import type { Payload } from "../../src/protocol/bitcoin/Payload.ts"
import * as PayloadLimits from "../../src/protocol/bitcoin/PayloadLimits.ts"
import * as Reject from "../../src/protocol/bitcoin/Reject.ts"
import * as Transaction from "../../src/protocol/bitcoin/Transaction.ts"
import * as Version from "../../src/protocol/bitcoin/Version.ts"
import type { Contender, Decoded, Decoding } from "./Decoding.ts"
import { network } from "./Mixes.ts"

/** Decodes a payload; how many items it has. */
type Read = (body: Uint8Array) => number

const reading = <A>({ command, decode }: Payload<A>, items: (value: A) => number): readonly [number, Read] => [
  Command.kindOf(command),
  (body) => {
    const result = decode(body)
    if (Result.isFailure(result)) throw result.failure
    return items(result.success)
  }
]

const none = (): number => 0
const lengthOf = ({ length }: ReadonlyArray<unknown>): number => length

const reads = new Map<number, Read>([
  reading(Version.withAssociation, none),
  reading(Beat.ping, none),
  reading(Beat.pong, none),
  reading(Inventory.inv, lengthOf),
  reading(Inventory.getdata, lengthOf),
  reading(Inventory.notfound, lengthOf),
  reading(Headers.headers, lengthOf),
  reading(Headers.getheaders, none),
  reading(NetworkAddress.addr, none),
  reading(Reject.reject, none),
  reading(Transaction.tx, () => 1),
  reading(Block.block, ({ transactions }) => transactions.length)
])

const open = (): Decoding => {
  const decoder = new MessageFrame.Decoder(network, PayloadLimits.limits(PayloadLimits.defaults))
  const decoded: Decoded = { messages: 0, items: 0 }
  const together: Array<MessageFrame.Message> = []
  return {
    feed: (piece) => {
      const wrong = decoder.feed(piece, together)
      if (wrong !== undefined) throw wrong
      for (const { body, kind, spoiled } of together) {
        if (spoiled !== undefined) throw new Error(`a message was spoiled: ${spoiled}`)
        decoded.items += reads.get(kind)?.(body) ?? 0
        decoded.messages++
      }
      together.length = 0
      return undefined
    },
    finished: () => Promise.resolve(decoded)
  }
}

/** Headers have their ids in any case. */
export const contender: Contender = { open: () => Promise.resolve(open()) }
