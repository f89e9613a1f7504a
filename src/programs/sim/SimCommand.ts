/**
 * `holdfast sim`: whole clusters in virtual time, under every fault there is.
 */
import { Command } from "effect/cli"
import { DeterminismCommand } from "./DeterminismCommand.ts"
import { ExplainCommand } from "./ExplainCommand.ts"
import { ReplayCommand } from "./ReplayCommand.ts"
import { RunCommand } from "./RunCommand.ts"
import { ShrinkCommand } from "./ShrinkCommand.ts"
import { meaning } from "./SimExit.ts"
import { SoakCommand } from "./SoakCommand.ts"

export const SimCommand = Command.make("sim").pipe(
  Command.withSubcommands([RunCommand, ReplayCommand, ShrinkCommand, ExplainCommand, DeterminismCommand, SoakCommand]),
  Command.withDescription(
    "Simulate whole clusters in virtual time, under faults.\n\n" +
      "  A seed makes a plan of faults, and both make one run, the same every time: what fails is kept as a file that\n" +
      "  replays it.\n\n" +
      `  ${meaning}`
  ),
  Command.withShortDescription("Simulate clusters under faults; replay, shrink and explain what fails")
)
