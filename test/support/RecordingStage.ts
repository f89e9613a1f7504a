/**
 * A stage that does nothing but write down what is asked of it, with the time in milliseconds, in one line each.
 */
import type { Impairment, Select, Stage, StageDatabase, Touched, Undo } from "../../src/testing/faults/Stage.ts"
import { Rng } from "../../src/testing/world/Rng.ts"
import { fifo, type Schedule } from "../../src/testing/world/Schedule.ts"
import { World } from "../../src/testing/world/World.ts"

export class RecordingStage implements Stage {
  readonly world: World
  readonly nodes: ReadonlyArray<string>
  readonly log: Array<string> = []
  /** What every undo and every blow says that it touched. */
  touched: Touched = 1
  /** What the faults were given to draw from. */
  readonly randoms: Array<Rng> = []
  /** What is in force now: the samplers of databases and clocks. */
  readonly samplers = new Map<string, () => number>()

  constructor(nodes: ReadonlyArray<string> = ["a", "b", "c"], seed = 1, schedule: Schedule = fifo) {
    this.nodes = nodes
    this.world = new World({ seed, schedule })
  }

  readonly network: Stage["network"] = {
    impair: (select, impairment, random) => this.#lasts(`impair ${this.#ways(select)} ${words(impairment)}`, random),
    silence: (select) => this.#does(`silence ${this.#ways(select)}`),
    close: (select, how) => this.#does(`close ${this.#ways(select)} ${how}`),
    closeAfter: (select, bytes) => this.#lasts(`closeAfter ${this.#ways(select)} ${bytes}`),
    dials: (select, dialling, random) => this.#lasts(`dials ${this.#ways(select)} ${JSON.stringify(dialling)}`, random),
    backlog: (node, connections) => this.#lasts(`backlog ${node} ${connections}`),
    exhaust: (node, connections) => this.#lasts(`exhaust ${node} ${connections}`),
    dns: (node, how) => this.#lasts(`dns ${node} ${how}`),
    move: (node) => this.#say(`move ${node}`),
    ghost: (from, to) => this.#does(`ghost ${from} ${to}`) !== 0,
    heal: () => this.#say("heal")
  }

  database(node: string): StageDatabase {
    return {
      slow: (sample) => {
        this.samplers.set(`${node} database`, sample)
        return this.#lasts(`slow ${node}`)
      },
      failing: (share, when, random) => this.#lasts(`failing ${node} ${share} ${when}`, random),
      restart: (forMillis) => this.#lasts(`database ${node} down ${forMillis}`),
      snapshot: () => {
        this.#say(`snapshot ${node}`)
        return 7
      },
      drop: (snapshot) => this.#say(`drop ${node} ${snapshot}`)
    }
  }

  kill(node: string, { down, end, wipe = false }: Parameters<Stage["kill"]>[1]): Touched {
    return this.#does(`kill ${node} ${down} ${end}${wipe ? " wiped" : ""}`)
  }
  restart(node: string, down: number): Touched {
    return this.#does(`restart ${node} ${down}`)
  }
  pause(node: string): Touched {
    return this.#does(`pause ${node}`)
  }
  resume(node: string): void {
    this.#say(`resume ${node}`)
  }
  restoreBackup(node: string, snapshot: number, down: number): Touched {
    return this.#does(`restoreBackup ${node} ${snapshot} ${down}`)
  }
  revive(node: string): void {
    this.#say(`revive ${node}`)
  }
  clock(node: string): ReturnType<Stage["clock"]> {
    return {
      step: (millis) => this.#say(`step ${node} ${millis}`),
      drift: (partsPerMillion) => this.#say(`drift ${node} ${partsPerMillion}`),
      lateness: (sample) => {
        if (sample === undefined) this.samplers.delete(`${node} timers`)
        else this.samplers.set(`${node} timers`, sample)
        this.#say(`lateness ${node} ${sample === undefined ? "off" : "on"}`)
      }
    }
  }
  buggify(node: string, site: string, share: number, random: Rng): Undo {
    return this.#lasts(`buggify ${node} ${site} ${share}`, random)
  }

  /** Lets the world go on until this time, and to its end by default. */
  async runTo(millis?: number): Promise<void> {
    if (millis !== undefined) this.world.at(millis * 1_000, () => undefined)
    const stop = await this.world.run(() => millis !== undefined && this.world.now >= millis * 1_000)
    const expected = millis === undefined ? "Deadlock" : "Done"
    if (stop._tag !== expected) throw new Error(`the world stopped: ${JSON.stringify(stop)}`)
  }

  #say(line: string): void {
    this.log.push(`${this.world.now / 1_000} ${line}`)
  }

  #does(line: string): Touched {
    this.#say(line)
    return this.touched
  }

  #lasts(line: string, random?: Rng): Undo {
    if (random !== undefined) this.randoms.push(random)
    this.#say(line)
    return () => {
      this.#say(`end of ${line}`)
      return this.touched
    }
  }

  /** The selected ordered pairs. */
  #ways(select: Select): string {
    const ways = this.nodes.flatMap((from) =>
      this.nodes.filter((to) => to !== from && select(from, to)).map((to) => `${from}${to}`)
    )
    return ways.join()
  }
}

const words = (impairment: Impairment): string => JSON.stringify(impairment)
