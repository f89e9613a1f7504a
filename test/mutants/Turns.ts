/**
 * What a program prints of many planted bugs: some of them in one process, where each has its own copy of the project's modules
 * (`Copies.ts`), and two processes at a time.
 */
import { Effect, Semaphore } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"

/** Bugs to a process at the most: their copies stay in its memory. */
const most = 12

/** A process is a core's work. */
const cores = Semaphore.makeUnsafe(2)

const inTurn = fileURLToPath(new URL("inTurn.ts", import.meta.url))

/** What one process prints of these bugs, by their names; an error for those that it did not come to the end of. */
const run = (program: string, names: ReadonlyArray<string>): Promise<ReadonlyMap<string, string | Error>> =>
  new Promise((resolve) => {
    execFile(process.execPath, [inTurn, program, ...names], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const parts = stdout.split(/^planted: (.*)\n/m).slice(1)
      const printed = new Map<string, string | Error>()
      for (let at = 0; at < parts.length; at += 2) printed.set(parts[at] ?? "", parts[at + 1] ?? "")
      const last = parts.at(-2)
      if (error !== null && last !== undefined) printed.set(last, new Error(`${error.message}\n${stderr}`))
      resolve(printed)
    })
  })

/** Half of them each, or as many as may share a process. */
const groups = (names: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const size = Math.max(1, Math.min(most, Math.ceil(names.length / 2)))
  return Array.from({ length: Math.ceil(names.length / size) }, (_, at) => names.slice(at * size, (at + 1) * size))
}

/**
 * Of a bug, what the program prints when it is run with it; the empty name is that of no bug. The processes begin when they are first
 * asked. A bug of `lonely` has a process of its own. Rejects if the process ends otherwise than well at this bug or before it.
 */
export const turns = (
  program: string,
  names: ReadonlyArray<string>,
  lonely: ReadonlyArray<string> = []
): ((name: string) => Promise<string>) => {
  const sharing = groups(names.filter((name) => !lonely.includes(name)))
  const all = [...sharing, ...lonely.map((name) => [name])]
  const running = new Map<ReadonlyArray<string>, ReturnType<typeof run>>()
  return async (name) => {
    const group = all.find((one) => one.includes(name)) ?? [name]
    const begun = running.get(group) ?? Effect.runPromise(cores.withPermit(Effect.promise(() => run(program, group))))
    running.set(group, begun)
    const printed = (await begun).get(name) ?? new Error(`the process ended before ${name}`)
    if (printed instanceof Error) throw printed
    return printed
  }
}
