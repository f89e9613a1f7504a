/**
 * `holdfast tally`: what a user and others have agreed on, and how it stands.
 */
import { Command } from "effect/cli"
import {
  AcceptCommand,
  CloseCommand,
  DraftCommand,
  OfferCommand,
  RefuseCommand,
  ResendCommand,
  ReviseCommand,
  SetCommand,
  WithdrawCommand
} from "./TallyCommands.ts"
import { ListCommand, StatusCommand } from "./TallyViews.ts"
import { ShowCommand, TicketCommand } from "./TicketCommands.ts"

export const TallyCommand = Command.make("tally").pipe(
  Command.withSubcommands([
    DraftCommand,
    TicketCommand,
    ShowCommand,
    OfferCommand,
    AcceptCommand,
    RefuseCommand,
    ReviseCommand,
    WithdrawCommand,
    ResendCommand,
    SetCommand,
    CloseCommand,
    ListCommand,
    StatusCommand
  ]),
  Command.withDescription(
    "Tallies: what users and their partners have agreed to owe each other, and do.\n\n" +
      "  One drafts and hands over a ticket, the other shows it; then one offers and the other accepts. A tally is named by its id or its\n" +
      "  beginning, or by the partner's cuid where there is one tally with them."
  ),
  Command.withShortDescription("What users agree to owe each other, and do"),
  Command.withExamples([
    { command: "holdfast tally draft --limit 100 --partner-limit 20" },
    { command: "holdfast tally ticket <tally> > invitation" },
    { command: "holdfast tally show < invitation", description: "The other party" },
    { command: "holdfast tally offer <tally>" },
    { command: "holdfast tally accept <tally>", description: "The other party" }
  ])
)
