/**
 * `holdfast chain`: the chain of a node.
 */
import { Command } from "effect/cli"
import { BlocksCommand, ChainStatusCommand, ProduceCommand, SubmitCommand } from "./BlockCommands.ts"
import { ChainInitCommand } from "./ChainInitCommand.ts"
import { SyncCommand } from "./SyncCommand.ts"
import { VerifyCommand } from "./VerifyCommand.ts"

export const ChainCommand = Command.make("chain").pipe(
  Command.withSubcommands([
    ChainInitCommand,
    ChainStatusCommand,
    SyncCommand,
    BlocksCommand,
    SubmitCommand,
    ProduceCommand,
    VerifyCommand
  ]),
  Command.withDescription(
    "The chain of the node: blocks that all nodes with the same configuration have, in one order.\n\n" +
      "  A node keeps one if it is started with --chain <file>; init makes such a file. All others ask the node that runs."
  ),
  Command.withShortDescription("The chain of the node: blocks, synchronization, production")
)
