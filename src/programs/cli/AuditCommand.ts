/**
 * `holdfast audit`: what contradicts in the database of the node, what has waited for too long, and what to do about it.
 */
import { Clock, Effect, Schema, Stream } from "effect"
import { Command } from "effect/cli"
import type { Finding } from "../../services/delivery/Audit.ts"
import { ExitCode } from "../ExitCode.ts"
import { Unavailable } from "../http/ApiErrors.ts"
import type { AuditItem } from "../http/Models.ts"
import { ask } from "./Client.ts"
import { Line } from "./Line.ts"
import { print } from "./Root.ts"
import { bold, dim, green, yellow } from "./Style.ts"
import { printable } from "./Table.ts"

/** The audit has found something: exit code 1, for scripts. */
export class Findings extends Schema.TaggedError<Findings>()("Findings", { count: Schema.Int, more: Schema.Boolean }) {
  readonly exitCode = ExitCode.findings
  override get message(): string {
    const count = `${this.more ? "more than " : ""}${this.count}`
    return this.count === 1 ? "There is a finding: do what it says." : `There are ${count} findings: do what each says.`
  }
}

type Report = Extract<AuditItem, { readonly _tag: "Report" }>

const told = ({ about, detail, fix, kind }: Finding): string =>
  `${yellow(kind)}  ${bold(printable(about))}\n  ${printable(detail)}\n  ${dim(printable(fix))}`

const describe = ({ checks, findings }: Pick<Report, "checks" | "findings">): string =>
  findings.length === 0
    ? `${green("Nothing found")}: ${checks} checks of the database and what waits in it.`
    : findings.map(told).join("\n")

/** How soon an audit is so long that it says where it is, in milliseconds. */
const soon = 1_000

export const AuditCommand = Command.make(
  "audit",
  {},
  Effect.fnUntraced(function* () {
    const begun = yield* Clock.currentTimeMillis
    const line = new Line(process.stderr)
    let report: Report | undefined
    const take = Effect.fnUntraced(function* (item: AuditItem) {
      if (item._tag === "Report") report = item
      else if (item._tag === "Failed") return yield* new Unavailable({ message: item.message, fix: item.fix })
      else if ((yield* Clock.currentTimeMillis) - begun >= soon) {
        line.draw(dim(`Checking ${item.number} of ${item.of}: ${item.what}`))
      }
    })
    yield* Stream.unwrap(ask((client) => client.audit())).pipe(
      Stream.runForEach(take),
      Effect.ensuring(Effect.sync(() => line.remove()))
    )
    if (report === undefined) {
      return yield* new Unavailable({ message: "the audit has come to no end", fix: "Try again; see the node's log." })
    }
    const { checks, findings, more } = report
    yield* print({ checks, findings, more }, describe)
    if (findings.length > 0) return yield* new Findings({ count: findings.length, more })
  })
).pipe(
  Command.withDescription(
    "Look for what contradicts in the database and what has waited for too long; nothing is changed, and each finding " +
      "says what to do. Exit code 1 if there are findings. The embedded database serves nothing else meanwhile."
  ),
  Command.withShortDescription("Check the database of the node"),
  Command.withExamples([{ command: "holdfast audit" }, { command: "holdfast audit --json" }])
)
