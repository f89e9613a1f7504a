/**
 * `holdfast bitcoin`: looking at a Bitcoin network, each command with connections of its own.
 */
import { Command } from "effect/cli"
import { HeadersCommand } from "./HeadersCommand.ts"
import { PeersCommand } from "./PeersCommand.ts"
import { PingCommand } from "./PingCommand.ts"
import { SyncCommand } from "./SyncCommand.ts"
import { WatchCommand } from "./WatchCommand.ts"

export const BitcoinCommand = Command.make("bitcoin").pipe(
  Command.withSubcommands([PeersCommand, HeadersCommand, SyncCommand, PingCommand, WatchCommand]),
  Command.withDescription(
    "Look at a Bitcoin network: its nodes, and the headers and blocks of its best chain.\n\n" +
      "  These commands ask no running node: each connects by itself. With --data <folder> they keep headers, blocks and known\n" +
      "  nodes in the database of that folder, which no running node may have; without it everything is gone with the process."
  ),
  Command.withShortDescription("Look at a Bitcoin network: nodes, round trips, headers, blocks")
)
