/**
 * `fault-proxy`: stands between real processes and disturbs their connections as a fault plan says, until it is told to
 * stop.
 */
import { Clock, Effect, Option, Schema, Stdio } from "effect"
import { Command, Flag } from "effect/cli"
import * as FaultProxy from "../../testing/proxy/FaultProxy.ts"
import * as Route from "../../testing/proxy/Route.ts"
import { run as commandLine, services } from "../cli/CommandLine.ts"
import { untilSignal } from "../Main.ts"
import * as PlanFile from "./PlanFile.ts"
import * as Report from "./Report.ts"

const meaning = [
  "Exit codes:",
  "0  told to stop",
  "1  unexpected failure",
  "2  wrong usage, or a plan or a route that cannot be used",
  "5  a port cannot be listened at"
].join("\n    ")

/** Routes that one proxy may have. */
const mostRoutes = 1_000

const flags = {
  plan: Flag.String("plan").pipe(
    Flag.withMetavar("<file>"),
    Flag.withDescription("A fault plan as JSON, or the file of a simulated run that failed")
  ),
  routes: Flag.String("route").pipe(
    Flag.withMetavar("<route>"),
    Flag.withDescription(
      "From>to=host:port: where a node of the plan listens, for another one that dials it; once for each. A port in " +
        "front, as in a>b=7101:127.0.0.1:7001, is where to dial; otherwise a free one is taken and printed"
    ),
    Flag.between(1, mostRoutes)
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withMetavar("<n>"),
    Flag.withDescription("The seed of everything random (default: of the failed run, else 0)"),
    Flag.optional
  ),
  onDial: Flag.Boolean("on-dial").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Begin the plan with the first connection instead of at once"),
    Flag.withDefault(false)
  ),
  ignoreUnsupported: Flag.Boolean("ignore-unsupported").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Leave out the faults that a proxy cannot carry out instead of refusing the plan"),
    Flag.withDefault(false)
  ),
  maxConnections: Flag.Int("max-connections").pipe(
    Flag.withMetavar("<n>"),
    Flag.withDescription("Connections at once on one route, 1 to 10000; more are turned away"),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))),
    Flag.withDefault(64)
  ),
  json: Flag.Boolean("json").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Print JSON, one value a line"),
    Flag.withDefault(false)
  )
}

const routesOf = Effect.fnUntraced(function* (texts: ReadonlyArray<string>) {
  const routes: Array<Route.Route> = []
  for (const text of texts) {
    const route = yield* Effect.fromResult(Route.parse(text))
    if (routes.some(({ from, to }) => from === route.from && to === route.to)) {
      return yield* new Route.RouteInvalid({ text, problem: "there is one between these two already" })
    }
    routes.push(route)
  }
  return routes
})

const run = Effect.fnUntraced(function* (given: Command.Command.Config.Infer<typeof flags>) {
  const routes = yield* routesOf(given.routes)
  const file = yield* PlanFile.read(given.plan)
  const seed = Option.getOrElse(given.seed, () => file.seed ?? 0)
  const clock = yield* Clock.Clock
  const { json, onDial } = given
  const report = Report.make({
    routes,
    plan: file.plan,
    seed,
    json,
    onDial,
    now: () => clock.currentTimeMillisUnsafe(),
    print: (line) => void process.stdout.write(`${line}\n`)
  })
  const proxy = yield* FaultProxy.make({
    routes,
    plan: file.plan,
    seed,
    ignoreUnsupported: given.ignoreUnsupported,
    maxConnections: given.maxConnections,
    onProgress: report.progress
  })
  report.ready(proxy)
  return yield* Effect.gen(function* () {
    if (onDial) yield* proxy.dialled
    report.begun()
    yield* proxy.run
    report.done()
    return yield* Effect.never
  }).pipe(Effect.ensuring(Effect.sync(() => report.stopped(proxy))))
}, Effect.scoped)

const command = Command.make("fault-proxy", flags, (given) => untilSignal(run(given))).pipe(
  Command.withDescription(
    "Stand between real processes and disturb their connections as a fault plan of the simulator says.\n\n" +
      "  Every route is a port on 127.0.0.1 for a node to dial in the place of the other one's. Faults of networks and\n" +
      "  dials that begin at a time are carried out on real sockets; a plan with others is refused. When the plan is\n" +
      "  over everything passes, until the proxy is told to stop.\n\n" +
      `  ${meaning}`
  ),
  Command.withExamples([
    {
      command:
        "npm run fault-proxy -- --plan plan.json --seed 7 --route 'a>b=127.0.0.1:7001' --route 'b>a=127.0.0.1:7002'",
      description: "Two nodes that dial each other; quote the routes, > is special to shells"
    },
    {
      command: "npm run fault-proxy -- --plan failure.json --on-dial --route 'a>b=7101:127.0.0.1:7001'",
      description: "The network faults of a failed simulation, from the first connection to port 7101 on"
    }
  ])
)

/** Runs the command line of this process. */
export const program = Effect.flatMap(
  Stdio.Stdio.use(({ args }) => args),
  commandLine(command)
).pipe(Effect.provide(services))
