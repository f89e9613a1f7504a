/**
 * What the exit code of `holdfast` means, and which failure has which.
 */
import type { Cause } from "effect"
import { CliError } from "effect/cli"
import { misuse } from "./Misuse.ts"

export const ExitCode = {
  ok: 0,
  unexpected: 1,
  /** Of `audit` and `chain verify`: there are findings. */
  findings: 1,
  usage: 2,
  noNode: 3,
  refused: 4,
  address: 5,
  folder: 6,
  database: 7,
  /** Of `sim`, whose other codes are its own. */
  simulation: 64
} as const

/** As `--help` says it. */
export const meaning = [
  "Exit codes:",
  "0  done",
  "1  unexpected failure; of audit and chain verify: there are findings",
  "2  wrong usage or configuration",
  "3  no node runs on the data folder, or it does not answer; of bitcoin: no node of the network does; of chain sync: nothing new comes",
  "4  the node refuses, is of another version, or knows no such peer or message; of bitcoin: no such header",
  "5  an address cannot be listened at",
  "6  the data folder, the identity or the secret of the users' keys cannot be used",
  "7  the database cannot be used"
].join("\n    ")

const byTag: Readonly<Record<string, number>> = {
  ConfigInvalid: ExitCode.usage,
  ShowHelp: ExitCode.usage,
  AddressInvalid: ExitCode.usage,
  PeerAmbiguous: ExitCode.usage,
  SubjectInvalid: ExitCode.usage,
  SubjectUnknown: ExitCode.usage,
  ConfigExists: ExitCode.usage,
  PlanFileInvalid: ExitCode.usage,
  PlanUnsupported: ExitCode.usage,
  RouteInvalid: ExitCode.usage,
  BitcoinConfigInvalid: ExitCode.usage,
  BitcoinNobodyToDial: ExitCode.usage,
  BitcoinStoredOnly: ExitCode.usage,
  BitcoinImportOnly: ExitCode.usage,
  BitcoinPeerFileUnreadable: ExitCode.usage,
  PeerFileInvalid: ExitCode.usage,
  NoNode: ExitCode.noNode,
  NodeSilent: ExitCode.noNode,
  BitcoinPeersUnreached: ExitCode.noNode,
  BitcoinNoAnswer: ExitCode.noNode,
  BitcoinPeersRefused: ExitCode.refused,
  BitcoinHeaderUnknown: ExitCode.refused,
  NodeDiffers: ExitCode.refused,
  NotBanned: ExitCode.refused,
  NotFound: ExitCode.refused,
  CommandRefused: ExitCode.refused,
  Refused: ExitCode.refused,
  TokenRefused: ExitCode.refused,
  ListenFailed: ExitCode.address,
  ApiUnavailable: ExitCode.address,
  BitcoinMetricsUnavailable: ExitCode.address,
  DataFolderLocked: ExitCode.folder,
  DataFolderNotWritable: ExitCode.folder,
  IdentityExposed: ExitCode.folder,
  IdentityMalformed: ExitCode.folder,
  IdentityInaccessible: ExitCode.folder,
  KeyringUnusable: ExitCode.folder,
  KeyringLost: ExitCode.folder,
  TokenUnusable: ExitCode.folder,
  PlatformError: ExitCode.folder,
  DatabaseUrlInvalid: ExitCode.usage,
  DatabaseUnreachable: ExitCode.database,
  DatabaseNotDurable: ExitCode.database,
  EmbeddedDatabaseUnusable: ExitCode.database,
  DatabaseOfAnother: ExitCode.database,
  DatabaseTaken: ExitCode.database,
  ChainMismatch: ExitCode.database,
  MigrationFailed: ExitCode.database,
  SchemaUnknown: ExitCode.database,
  SqlError: ExitCode.database,
  Unavailable: ExitCode.database
}

/** Some failures know their exit code themselves; what is wrong with the arguments of `sim` has one of its own. */
const codeOf = (error: unknown): number | undefined => {
  if (typeof error !== "object" || error === null) return undefined
  if ("exitCode" in error && typeof error.exitCode === "number") return error.exitCode
  if (CliError.isCliError(error) && error._tag === "ShowHelp" && error.commandPath[1] === "sim")
    return ExitCode.simulation
  return byTag[tagOf(error)]
}

const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error && typeof error._tag === "string" ? error._tag : ""

const textOf = (error: unknown, field: string): string | undefined => {
  const value: unknown = typeof error === "object" && error !== null ? Reflect.get(error, field) : undefined
  return typeof value === "string" ? value : undefined
}

/** What an error says, what to do about it, and the command that shows what a request of the API would. */
const sayOf = (error: unknown): string => {
  if (CliError.isCliError(error) && error._tag === "ShowHelp") return misuse(error)
  const said = error instanceof Error ? error.message : String(error)
  const fix = textOf(error, "fix")
  const see = textOf(error, "see")
    ?.replace(/^GET \//, "holdfast ")
    .replaceAll("/", " ")
  const sentence = fix === undefined || said.endsWith(fix) ? said : `${said.replace(/\.?$/, ".")} ${fix}`
  return see === undefined ? sentence : `${sentence} See: ${see}`
}

/** A failure that was foreseen, with what to say about it. */
export interface Foreseen {
  readonly tag: string
  readonly message: string
  readonly code: number
}

/** The expected failure in a cause; `undefined` if there is none, which makes it a bug. */
export const foreseen = (cause: Cause.Cause<unknown>): Foreseen | undefined => {
  for (const reason of cause.reasons) {
    if (reason._tag !== "Fail") continue
    const code = codeOf(reason.error)
    if (code === undefined) continue
    return { tag: tagOf(reason.error), code, message: sayOf(reason.error) }
  }
  return undefined
}
