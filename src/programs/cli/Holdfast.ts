/**
 * The command line of Holdfast: all commands, and how they are run.
 */
import { Console, Effect, Stdio } from "effect"
import { Argument, Command, Completions } from "effect/cli"
import { BitcoinCommand } from "../bitcoin/BitcoinCommand.ts"
import { ChainCommand } from "../chain/ChainCommand.ts"
import { ChitCommand, PayCommand } from "../credit/ChitCommands.ts"
import { LiftCommand } from "../credit/LiftCommands.ts"
import { RouteCommand } from "../credit/RouteCommands.ts"
import { TallyCommand } from "../credit/TallyCommand.ts"
import { UserCommand } from "../credit/UserCommands.ts"
import { meaning } from "../ExitCode.ts"
import { SimCommand } from "../sim/SimCommand.ts"
import { AttentionCommand } from "./AttentionCommand.ts"
import { AuditCommand } from "./AuditCommand.ts"
import { BanCommand, BansCommand, UnbanCommand } from "./BanCommands.ts"
import { run as commandLine, services } from "./CommandLine.ts"
import { EventsCommand } from "./EventsCommand.ts"
import { InitCommand } from "./InitCommand.ts"
import { InboxCommand, SendCommand } from "./NoteCommands.ts"
import { OutboxCommand } from "./OutboxCommand.ts"
import { ConnectCommand, DisconnectCommand } from "./PeerCommands.ts"
import { PeersCommand } from "./PeersCommand.ts"
import { Root } from "./Root.ts"
import { StartCommand } from "./StartCommand.ts"
import { StatusCommand } from "./StatusCommand.ts"

/** Completes the commands that `all` has, itself among them. */
const completions = (all: () => Command.Command.Any) =>
  Command.make(
    "completions",
    {
      shell: Argument.Literals("shell", ["bash", "zsh", "fish", "powershell"]).pipe(
        Argument.withDescription("The shell to complete in")
      )
    },
    ({ shell }) => Console.log(Completions.generate("holdfast", shell, Completions.fromCommand(all())))
  ).pipe(
    Command.withDescription("Print a script that completes commands and flags in a shell"),
    Command.withExamples([
      { command: "holdfast completions bash > ~/.local/share/bash-completion/completions/holdfast" }
    ])
  )

const commands = Root.pipe(
  Command.withSubcommands([
    StartCommand,
    InitCommand,
    StatusCommand,
    ConnectCommand,
    DisconnectCommand,
    PeersCommand,
    BanCommand,
    UnbanCommand,
    BansCommand,
    SendCommand,
    InboxCommand,
    OutboxCommand,
    EventsCommand,
    AttentionCommand,
    AuditCommand,
    UserCommand,
    TallyCommand,
    ChitCommand,
    PayCommand,
    RouteCommand,
    LiftCommand,
    ChainCommand,
    BitcoinCommand,
    SimCommand,
    completions((): Command.Command.Any => commands)
  ]),
  Command.withDescription(
    "Nodes that stay connected, messages that arrive once, and users who give each other credit.\n\n" +
      "  All commands but start, init, chain init, bitcoin and sim ask the node that runs on the data folder.\n\n" +
      `  ${meaning}`
  )
)

/** Runs the command line with these words behind `holdfast`. */
export const run = commandLine(commands)

/** Runs the command line of this process. */
export const program = Effect.flatMap(
  Stdio.Stdio.use(({ args }) => args),
  run
).pipe(Effect.provide(services))
