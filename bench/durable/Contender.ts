/**
 * Somebody who takes part in the durable benchmark: a producer and a consumer in processes of their own, on a database
 * of their own, with or without a server between the two.
 */
import * as path from "node:path"
import { freePort } from "../../test/support/FreePort.ts"
import type * as PostgresServer from "../../test/support/PostgresServer.ts"
import { End, type Functions } from "../End.ts"
import type { Figure } from "../Measurement.ts"
import type { Installed, Server } from "../servers/Server.ts"
import type { Consumer, Producer } from "./Work.ts"
import type { Amounts } from "./Works.ts"

/** What a run of a contender gets. */
export interface Setting {
  readonly server: PostgresServer.Server
  /** Empty, and gone afterwards. */
  readonly folder: string
  /** What `Contender.server` has installed. */
  readonly installed: Installed | undefined
}

/** How often something was done by both ends so far, as far as it can be counted. */
export type Costs = Readonly<Record<string, number>>

/** Producer and consumer as the driver calls them. */
export interface Pair {
  readonly producer: Producer
  readonly consumer: Omit<Consumer, "delays"> & { readonly delays: () => Promise<Float64Array> }
  /** Microseconds that both processes have computed so far; what a server did is not in it. */
  readonly cpu: () => Promise<number>
  readonly costs?: () => Promise<Costs>
  /** Waits until everything is over between two works. */
  readonly rest?: () => Promise<void>
  readonly alone?: (amount: Amounts) => Promise<ReadonlyArray<Figure>>
  /** SIGKILL for one end, and what starts it again and returns once it is ready. */
  readonly kill: (which: "producer" | "consumer") => Promise<() => Promise<void>>
  /** Holds the consumer's process, or lets it go on. */
  readonly hold: (signal: "SIGSTOP" | "SIGCONT") => Promise<void>
}

export interface Contender {
  readonly name: string
  readonly ours: boolean
  /** Senders that share a commit are a service of ours; what others have to send one by one is done one by one. */
  readonly groups: boolean
  /** Whether it is installed for the comparison. */
  readonly peer: boolean
  /** Slow ones do less, so that a run does not wait for them. */
  readonly share?: number
  readonly server?: Server
  readonly between: (setting: Setting, use: (pair: Pair) => Promise<void>) => Promise<void>
}

/** An end that can be killed and made anew, so that what is called is always the one that lives. */
export class Mortal<F extends Functions> {
  readonly #file: URL
  readonly #named: ReadonlyArray<string>
  #end: End<F>

  constructor(file: URL, named: ReadonlyArray<string>) {
    this.#file = file
    this.#named = named
    this.#end = new End<F>(file, { arguments: named })
  }

  readonly call: End<F>["call"] = (name, argument) => this.#end.call(name, argument)
  readonly signal = (signal: "SIGSTOP" | "SIGCONT"): Promise<void> => this.#end.signal(signal)
  readonly stop = (): Promise<void> => this.#end.stop()
  /** Of the process that lives now. */
  readonly cpu = (): Promise<number> => this.#end.cpu()

  /** SIGKILL; the process that comes after it has not been told anything. */
  async kill(): Promise<void> {
    await this.#end.signal("SIGKILL")
    this.#end = new End<F>(this.#file, { arguments: this.#named })
  }
}

/** Both ends of `file`, a program of this folder; they are gone afterwards. */
export const withEnds = async <F extends Functions>(
  file: string,
  label: string,
  use: (producer: Mortal<F>, consumer: Mortal<F>) => Promise<void>
): Promise<void> => {
  const program = new URL(`${file}.ts`, import.meta.url)
  const producer = new Mortal<F>(program, [label, "sends"])
  const consumer = new Mortal<F>(program, [label, "receives"])
  try {
    await use(producer, consumer)
  } finally {
    await Promise.all([producer.stop(), consumer.stop()])
  }
}

/** A port for an end that has to keep it when it is started again. */
export const port = freePort

export const inFolder = ({ folder }: Setting, name: string): string => path.join(folder, name)
