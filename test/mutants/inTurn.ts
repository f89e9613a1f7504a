/**
 * Runs a program of this folder once for each planted bug that is named, one after the other in one process, and prints
 * before each what the bug is called. The empty name is that of no bug.
 *
 * `node test/mutants/inTurn.ts store.ts sql-overtakes ""`
 */
import { run } from "./Copies.ts"

const [program = "", ...names] = process.argv.slice(2)

for (const name of names) {
  console.log(`planted: ${name}`)
  await run(program, name)
}
