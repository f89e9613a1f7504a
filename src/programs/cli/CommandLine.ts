/**
 * What every command line of this project runs on.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { CliConfig, CliError, CliOutput, Command, Completions, GlobalFlag } from "effect/cli"
import * as Logging from "../Logging.ts"
import { version } from "../Version.ts"
import { understood } from "./Dashes.ts"

/** Help is for whom asks for it; what is wrong with the arguments is said as any other failure is. */
const presenter: CliOutput.Presenter = {
  present: (event) => (event._tag === "InvalidInvocation" ? Effect.void : CliOutput.defaultPresenter.present(event))
}

export const services = Layer.mergeAll(
  NodeServices.layer,
  CliOutput.layerPresenter(presenter),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] }),
  Logging.quiet
)

/** Called without a command: the help has been printed, and nothing was wrong. */
const isOnlyHelp = (error: unknown): boolean =>
  CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length === 0

/** Runs a command line with these words. Without any words it prints its help, which is no failure. */
export const run = <Name extends string, Input, Context, E, R>(
  command: Command.Command<Name, Input, Context, E, R>
) => {
  const descriptor = Completions.fromCommand(command)
  return (words: ReadonlyArray<string>) =>
    Effect.fromResult(understood(descriptor, words)).pipe(
      Effect.flatMap(Command.runWith(command, { version })),
      Effect.catchIf(isOnlyHelp, () => Effect.void)
    )
}
