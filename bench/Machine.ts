/**
 * The machine that a run was made on, and how busy it was: figures without it mean nothing.
 */
import * as os from "node:os"

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  readonly node: string
  readonly date: string
}

export const machine = (): Machine => {
  const cpus = os.cpus()
  return {
    cpu: cpus[0]?.model.trim() ?? os.arch(),
    cores: cpus.length,
    memoryGiB: Math.round((os.totalmem() / 2 ** 30) * 10) / 10,
    kernel: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
    date: new Date().toISOString()
  }
}

/** Load averages of 1, 5 and 15 minutes. One of one minute near 0 before a run says that nobody else was at work. */
export const load = (): ReadonlyArray<number> => os.loadavg().map((value) => Math.round(value * 100) / 100)
