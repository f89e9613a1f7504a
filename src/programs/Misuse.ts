/**
 * What is wrong with the arguments of a command, in a sentence for each that says what to write instead.
 */
import type { CliError } from "effect/cli"

const meant = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "" : `: did you mean ${suggestions.join(" or ")}?`

/** What was expected, where that is a list of texts or the name of a value, and not yet a sentence. */
const fixOf = (expected: string): string => {
  const said = expected.replace(/^Schema validation failed: /, "")
  const choices = /^(?:Expected )?("[^"]*"(?: \| "[^"]*")+)$/.exec(said)?.[1]
  if (choices?.includes('"true"') === true) return "give true or false"
  if (/^Expected (?:an integer|a string representing a finite number)/.test(said)) return "give a whole number"
  if (choices === undefined) return said.replace(/^Expected /, "give ")
  return `give one of ${choices.replaceAll('"', "").replaceAll(" | ", ", ")}`
}

const isName = (expected: string): boolean => /^<.*>$|^[\w-]+(?: \| [\w-]+)*$/.test(expected)

const invalid = ({ expected, kind, option, value }: CliError.InvalidValue): string => {
  const name = kind === "flag" ? `--${option}` : `<${option}>`
  // What the parser expects of a flag without anything behind it is the name of its value.
  if (value === "" && isName(expected)) return `${name} needs a value: give ${name} ${expected}`
  return `${name} is ${JSON.stringify(value)}: ${fixOf(expected)}`
}

/** Of the commands whose last argument is a text of the user's own. */
const withText: Readonly<Record<string, { readonly spaces: string; readonly dashes: string }>> = {
  "holdfast send": {
    spaces: '; put a text with spaces in quotation marks: holdfast send <peer> "<text>"',
    dashes: '; put a text that begins with a dash behind two dashes: holdfast send <peer> -- "<text>"'
  },
  "holdfast chain submit": {
    spaces: '; put a text with spaces in quotation marks: holdfast chain submit "<text>"',
    dashes: '; put a text that begins with a dash behind two dashes: holdfast chain submit -- "<text>"'
  }
}

/** What is wrong with one of the arguments. */
const mistake = (error: CliError.NonShowHelpErrors, command: string): string => {
  switch (error._tag) {
    case "UnknownSubcommand":
      return `there is no command ${error.subcommand}${meant(error.suggestions)}`
    case "UnrecognizedOption":
      return `there is no flag ${error.option}${meant(error.suggestions)}${withText[command]?.dashes ?? ""}`
    case "MissingArgument":
      return `<${error.argument}> is missing: give ${command} <${error.argument}>`
    case "MissingOption":
      return `--${error.option} is missing: give ${command} --${error.option} <value>`
    case "UnexpectedArgument": {
      const many = error.arguments.map((value) => JSON.stringify(value)).join(", ")
      return `${many} cannot be used here: leave it out${withText[command]?.spaces ?? ""}`
    }
    case "InvalidValue":
      return invalid(error)
    default:
      return error.message
  }
}

/** What is wrong with the arguments, one sentence each, and where to look. */
export const misuse = ({ commandPath, errors }: CliError.ShowHelp): string => {
  const command = commandPath.join(" ")
  const sentences = errors.map((error) => mistake(error, command).replaceAll(/\s*\n\s*/g, " "))
  return `${sentences.join("\n")} (see: ${command} --help)`
}
