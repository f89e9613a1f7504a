/**
 * What the words of a command line mean that begin with one dash and are longer than a flag: the parser would take
 * `-1h` for the flags `-1` and `-h`, and print the help.
 *
 * Behind a flag that takes a value such a word is that value. Anywhere else it is a mistake, which the error explains.
 * Words after `--` are never looked at. No command of this project has flags that could be written together.
 */
import { Result } from "effect"
import { CliError, type Completions } from "effect/cli"

type Command = Completions.CommandDescriptor
type Flag = Completions.FlagDescriptor

const helpAndVersion = new Set(["-h", "-v", "--help", "--version"])

/** One dash, and neither a flag of one letter nor a number. */
const isLong = (word: string): boolean =>
  /^-[^-]/u.test(word) && !/^-[A-Za-z](?:=|$)/.test(word) && !/^-(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(word)

const flagOf = ({ flags }: Command, word: string): Flag | undefined =>
  flags.find(({ aliases, name }) => word === `--${name}` || aliases.some((alias) => word === `-${alias}`))

const takesValue = ({ optionalValue, type }: Flag): boolean => type._tag !== "Boolean" && optionalValue !== true

/** Whether a word that follows a flag with a value is that value, as the parser sees it or as it should. */
const isValue = (command: Command, word: string): boolean =>
  !/^-./su.test(word) || (/^-[^-]/su.test(word) && flagOf(command, word) === undefined && !helpAndVersion.has(word))

const noFlag = (path: ReadonlyArray<string>, word: string): CliError.ShowHelp =>
  new CliError.ShowHelp({
    commandPath: path,
    errors: [new CliError.UnrecognizedOption({ option: word, suggestions: [] })]
  })

/** The words as the parser shall read them, or what is wrong with the first that it would misread. */
export const understood = (
  root: Command,
  words: ReadonlyArray<string>
): Result.Result<ReadonlyArray<string>, CliError.ShowHelp> => {
  const end = words.includes("--") ? words.indexOf("--") : words.length
  const read: Array<string> = []
  const path = [root.name]
  let command = root
  /** The flag whose value comes next. */
  let open: string | undefined
  for (const word of words.slice(0, end)) {
    if (open !== undefined && isValue(command, word)) {
      if (word.startsWith("-")) read[read.length - 1] = `${open}=${word}`
      else read.push(word)
      open = undefined
      continue
    }
    if (isLong(word)) return Result.fail(noFlag(path, word))
    read.push(word)
    const flag = flagOf(command, word)
    open = flag !== undefined && takesValue(flag) ? word : undefined
    const next = command.subcommands.find(({ name }) => name === word)
    if (next !== undefined) {
      command = next
      path.push(next.name)
    }
  }
  return Result.succeed([...read, ...words.slice(end)])
}
