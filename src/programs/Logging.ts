/**
 * Where logs go and how they look: the standard error output, so that the standard output is only what was asked for.
 *
 * What a starting node has to say of its start waits until the node has said who it is, so that this comes first.
 */
import { Effect, Layer, Logger, LogLevel, References } from "effect"
import { inspect } from "node:util"
import type { Values } from "./Settings.ts"

const levels = { none: "None", error: "Error", warn: "Warn", info: "Info", debug: "Debug", trace: "Trace" } as const

/** Messages that may wait; more than that are of no use to anybody. */
const maxWaiting = 1_000

const valueOf = (value: unknown): string =>
  typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : (JSON.stringify(value) ?? String(value))

/** One line for people: when, how bad, what, and what about. What has several lines, such as a cause, follows. */
const textLine = Logger.map(Logger.formatStructured, ({ annotations, cause, level, message, timestamp }) => {
  const parts = Array.isArray(message) ? message : [message]
  const [what = "", ...more] = parts.map((part) => (typeof part === "string" ? part : inspect(part, { depth: 4 })))
  const about = Object.entries(annotations).map(([name, value]) => ` ${name}=${valueOf(value)}`)
  const rest = [...more, ...(cause === undefined ? [] : [cause])].map((text) => `\n  ${text.replaceAll("\n", "\n  ")}`)
  return `${timestamp} ${level.padEnd(5)} ${what}${about.join("")}${rest.join("")}`
})

/** A logger of lines that keeps those below `Warn` back until it is opened. */
const gated = (format: Logger.Logger<unknown, string>, open: boolean) => {
  let waiting: Array<string> | undefined = open ? undefined : []
  const write = (line: string) => void process.stderr.write(`${line}\n`)
  return {
    logger: Logger.make<unknown, void>((options) => {
      const line = format.log(options)
      if (waiting === undefined || LogLevel.isGreaterThanOrEqualTo(options.logLevel, "Warn")) write(line)
      else if (waiting.length < maxWaiting) waiting.push(line)
    }),
    open: Effect.sync(() => {
      const before = waiting ?? []
      waiting = undefined
      for (const line of before) write(line)
    })
  }
}

/**
 * The logger that the configuration asks for. `open` lets the messages of the start pass; they are not kept back from
 * somebody who debugs.
 */
export const make = ({ logFormat, logLevel }: Pick<Values, "logFormat" | "logLevel">) => {
  const format = logFormat === "text" ? textLine : Logger.formatJson
  const { logger, open } = gated(format, logLevel === "debug" || logLevel === "trace")
  const layer = Layer.merge(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, levels[logLevel]))
  return { layer, open }
}

/** For commands that only ask a node: what goes wrong is their answer, not a log. */
export const quiet: Layer.Layer<never> = Layer.merge(
  Logger.layer([Logger.withConsoleError(textLine)]),
  Layer.succeed(References.MinimumLogLevel, "Warn")
)
