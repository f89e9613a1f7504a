/**
 * Tortures the links of this software for longer than a test may: `npm run torture` does everything, `npm run torture --
 * frames noise` a part of it. Ends with 1 at the first fault, and says how to see it again.
 */
import { Effect, type Scope } from "effect"
import { parseArgs } from "node:util"
import { load } from "../../../bench/Machine.ts"
import * as Frame from "../../../src/protocol/link/Frame.ts"
import * as BitcoinFrameFuzz from "./BitcoinFrameFuzz.ts"
import * as BitcoinHandshakeFuzz from "./BitcoinHandshakeFuzz.ts"
import * as BitcoinPayloadFuzz from "./BitcoinPayloadFuzz.ts"
import * as Flood from "./Flood.ts"
import * as FrameFuzz from "./FrameFuzz.ts"
import type { Range } from "./Fuzz.ts"
import * as NoiseFuzz from "./NoiseFuzz.ts"
import * as PingsUnderBulk from "./PingsUnderBulk.ts"
import * as RecordFuzz from "./RecordFuzz.ts"
import * as SlowReader from "./SlowReader.ts"
import * as TalkFuzz from "./TalkFuzz.ts"

const usage = `hostile input for the links

  frames             streams of frames, spoilt and cut anywhere (1,000,000 inputs)
  records            sealed records, spoilt, mixed up and cut anywhere (1,000,000)
  noise              handshakes over a line that lies (500,000)
  bitcoin-frames     streams of Bitcoin messages, spoilt, lying and cut anywhere (1,000,000)
  bitcoin-payloads   what they carry, spoilt, lying and mixed up (2,000,000)
  bitcoin-handshakes Bitcoin peers that say anything in any order (500,000)
  talk               batches of five peers that say anything in any order (100,000)
  pings              pings while two nodes send each other frames of 1 MiB (300 seconds)
  slow               rounds of a peer that stops reading, by gossip and by sending (3)
  flood              rounds of a peer that floods a node that others ask (3)

  --seed <n>         what the inputs are made of (a random one)
  --inputs <n>       how many, of inputs, seconds or rounds
  --from <n>         the number of the first (0)
`

/** The same again, so often. */
const rounds =
  (one: Effect.Effect<unknown, Error, Scope.Scope>) =>
  async ({ inputs }: Range) => {
    for (let round = 0; round < inputs; round++)
      console.log(JSON.stringify(await Effect.runPromise(Effect.scoped(one))))
  }

/** With the write time-out of production. */
const slow = (how: SlowReader.Options["how"]) => SlowReader.run({ how, mebibytes: 250, writeTimeout: 10_000 })
const flood = (size: number) => Flood.run({ role: "floods", kind: Frame.Kind.Data, size, millis: 5_000 })

const tortures: Readonly<Record<string, { readonly inputs: number; readonly run: (range: Range) => unknown }>> = {
  frames: { inputs: 1_000_000, run: FrameFuzz.fuzz },
  records: { inputs: 1_000_000, run: RecordFuzz.fuzz },
  noise: { inputs: 500_000, run: NoiseFuzz.fuzz },
  "bitcoin-frames": { inputs: 1_000_000, run: BitcoinFrameFuzz.fuzz },
  "bitcoin-payloads": { inputs: 2_000_000, run: BitcoinPayloadFuzz.fuzz },
  "bitcoin-handshakes": { inputs: 500_000, run: BitcoinHandshakeFuzz.fuzz },
  talk: { inputs: 100_000, run: TalkFuzz.fuzz },
  pings: { inputs: 300, run: ({ inputs }) => Effect.runPromise(Effect.scoped(PingsUnderBulk.run(inputs))) },
  slow: { inputs: 3, run: rounds(Effect.all([slow("gossip"), slow("send")])) },
  flood: { inputs: 3, run: rounds(Effect.all([flood(100), flood(65_536), flood(1_000_000)])) }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    inputs: { type: "string" },
    from: { type: "string", default: "0" },
    help: { type: "boolean", default: false }
  }
})

const count = (name: string, text: string): number => {
  const n = Number(text)
  if (Number.isSafeInteger(n) && n >= 0) return n
  throw new Error(`--${name} is a whole number, not "${text}"`)
}

const torture = async (): Promise<void> => {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : count("seed", values.seed)
  const from = count("from", values.from)
  for (const name of positionals.length > 0 ? positionals : Object.keys(tortures)) {
    const chosen = tortures[name]
    if (chosen === undefined) throw new Error(`there is no "${name}": ${Object.keys(tortures).join(", ")}`)
    const inputs = values.inputs === undefined ? chosen.inputs : count("inputs", values.inputs)
    console.log(`${name}: seed ${seed}, ${inputs} inputs, load ${load().join(" ")}`)
    const began = performance.now()
    const report = await chosen.run({ seed, inputs, from })
    const seconds = Math.round((performance.now() - began) / 100) / 10
    console.log(JSON.stringify({ name, seconds, load: load(), report }))
  }
}

if (values.help) console.log(usage)
else {
  torture().catch((error: unknown) => {
    console.error(error)
    process.exitCode = 1
  })
}
