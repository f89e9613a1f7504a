/**
 * How the program runs and ends: signals, exit codes, and one readable sentence for every failure that was foreseen.
 *
 * The first SIGINT or SIGTERM ends the program in good order, within five seconds; the second ends it at once.
 */
import { Cause, Effect, Exit, Runtime } from "effect"
import { ExitCode, foreseen } from "./ExitCode.ts"
import { printed } from "./Printed.ts"

/** How long the end may take. */
const patience = 4_800

const numbers = { SIGINT: 2, SIGTERM: 15 } as const

let endsBySignal = false

/** For what runs until it is told to stop: the signal that ends it is its proper end, with exit code 0. */
export const untilSignal = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.onInterrupt(effect, () =>
    Effect.sync(() => {
      endsBySignal = true
    })
  )

const argumentsGiven = (): ReadonlyArray<string> => process.argv.slice(2)

const wantsTrace = (): boolean => {
  const given = argumentsGiven()
  const level = given[given.indexOf("--log-level") + 1]
  return given.includes("--log-level=debug") || (given.includes("--log-level") && level === "debug")
}

/** Says what failed, on the standard error output, and returns the exit code. */
const report = (cause: Cause.Cause<unknown>): number => {
  const known = foreseen(cause)
  if (known === undefined) {
    process.stderr.write(`holdfast: unexpected failure, please report it\n${Cause.pretty(cause)}\n`)
    return ExitCode.unexpected
  }
  const said = argumentsGiven().includes("--json")
    ? JSON.stringify({ error: known.tag, message: known.message, exitCode: known.code })
    : known.message.replaceAll(/^/gm, "holdfast: ")
  process.stderr.write(`${said}\n`)
  if (wantsTrace()) process.stderr.write(`${Cause.pretty(cause)}\n`)
  return known.code
}

const codeOf = (exit: Exit.Exit<unknown, unknown>, signal: keyof typeof numbers | undefined): number => {
  if (Exit.isSuccess(exit)) return ExitCode.ok
  if (signal === undefined || !Cause.hasInterruptsOnly(exit.cause)) return report(exit.cause)
  return endsBySignal ? ExitCode.ok : 128 + numbers[signal]
}

/**
 * What it means that nobody reads what this program prints any more: a node goes on, a command is done. Without this the
 * next line that is printed would end either with a stack trace.
 */
const onBrokenPipe = (error: Error): void => {
  if (!("code" in error) || error.code !== "EPIPE") throw error
  if (argumentsGiven()[0] !== "start") process.exit(ExitCode.ok)
}

/** Runs a program to its end and ends the process. */
export const run = Runtime.makeRunMain(({ fiber }) => {
  let received: keyof typeof numbers | undefined
  const onSignal = (signal: keyof typeof numbers) => {
    if (received !== undefined) process.exit(128 + numbers[signal])
    received = signal
    fiber.interruptUnsafe(fiber.id)
    setTimeout(() => {
      process.stderr.write(`holdfast: the end took longer than ${patience} ms, ending at once\n`)
      process.exit(ExitCode.unexpected)
    }, patience).unref()
  }
  process.stdout.on("error", onBrokenPipe)
  process.stderr.on("error", onBrokenPipe)
  process.on("SIGINT", onSignal)
  process.on("SIGTERM", onSignal)
  fiber.addObserver((exit) => {
    const code = codeOf(exit, received)
    void printed([process.stdout, process.stderr]).then(() => process.exit(code))
  })
})
