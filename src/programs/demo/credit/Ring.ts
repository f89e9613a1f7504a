/**
 * Five sites in a ring. Neighbours know each other by the address of a proxy of that pair, so that every connection between them passes
 * through a proxy of the demo, whoever dialled. What the sites tell each other is an address where nobody answers: else they would get around a
 * line that is cut.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Clock, Deferred, Effect, Layer, Scope } from "effect"
import { SecureRandom } from "effect/crypto"
import { DataFolder, layer as dataFolder } from "../../../layers/DataFolder.ts"
import * as IdentityFile from "../../../layers/IdentityFile.ts"
import * as Address from "../../../protocol/Address.ts"
import type { NodeKey } from "../../../protocol/NodeKey.ts"
import { Identity } from "../../../services/link/Identity.ts"
import * as LinkProxy from "../../../testing/LinkProxy.ts"
import { files } from "../../FolderFiles.ts"
import * as Logging from "../../Logging.ts"
import type { Child } from "../Child.ts"
import { DemoFailed } from "../DemoFailed.ts"
import type { Places } from "../Places.ts"
import type { Stop } from "./Facts.ts"
import { freePort } from "./FreePort.ts"
import { pairs, type Site, sites, users } from "./Sites.ts"
import * as SiteProcess from "./SiteProcess.ts"

export interface Ring {
  readonly keyOf: (site: Site) => NodeKey
  /** Where a site listens. */
  readonly endpointOf: (site: Site) => Address.Endpoint
  /** SIGKILL. */
  readonly kill: (site: Site) => Effect.Effect<void>
  /** Starts a killed site again, on the same data. */
  readonly restart: (site: Site) => Effect.Effect<void, DemoFailed>
  /** SIGSTOP and SIGCONT. */
  readonly freeze: (site: Site) => void
  readonly thaw: (site: Site) => void
  /** Nothing passes between two neighbours any more, and again. */
  readonly cut: (one: Site, other: Site) => void
  readonly heal: (one: Site, other: Site) => void
  /** SIGTERM to all at once. */
  readonly stop: Effect.Effect<ReadonlyArray<Stop>>
  /** When a site has ended by itself. */
  readonly failed: Effect.Effect<never, DemoFailed>
}

const host = "127.0.0.1"
/** A site that is not ready after this long never will be; the first start makes a database. */
const readyWithin = "5 minutes"

const neighboursOf = (site: Site): ReadonlyArray<Site> =>
  pairs.flatMap(({ creditor, debtor }) => (debtor === site ? [creditor] : creditor === site ? [debtor] : []))

/** The key of a new identity in a data folder. */
const identify = (data: string) =>
  Identity.use(({ key }) => Effect.succeed(key)).pipe(
    Effect.provide(
      Layer.unwrap(Effect.map(DataFolder, (folder) => IdentityFile.layer(folder.file(files.identity)))).pipe(
        Layer.provide(dataFolder(data)),
        Layer.provide(Layer.mergeAll(NodeServices.layer, SecureRandom.layerWebCrypto, Logging.quiet))
      )
    ),
    Effect.mapError((cause) => new DemoFailed({ problem: "an identity could not be made", cause }))
  )

/** One line for each direction of dialling between neighbours, and one that goes nowhere. */
const makeLines = Effect.gen(function* () {
  const nowhere = yield* LinkProxy.make()
  const lines = new Map<string, LinkProxy.LinkProxy>()
  for (const from of sites) {
    for (const to of neighboursOf(from)) lines.set(from + to, yield* LinkProxy.make())
  }
  return { lines, nowhere }
}).pipe(Effect.mapError((cause) => new DemoFailed({ problem: "there is no port for a proxy", cause })))

/** What is there of a site; the demo cannot go on without it. */
const there = <A>(all: ReadonlyMap<string, A>, name: string): A => {
  const found = all.get(name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

export const make = Effect.fnUntraced(function* (places: Places<Site>, say: (what: string) => void) {
  const scope = yield* Scope.Scope
  const failed = Deferred.makeUnsafe<never, DemoFailed>()
  const { lines, nowhere } = yield* makeLines
  const line = (from: Site, to: Site) => there(lines, from + to)
  const keys = new Map<Site, NodeKey>()
  for (const site of sites) keys.set(site, yield* identify(places.of(site).data))
  const processes = new Map<Site, Child>()
  const process = (site: Site) => there(processes, site)
  const endpoints = new Map<Site, Address.Endpoint>()

  const start = Effect.fnUntraced(function* (site: Site) {
    const endpoint = new Address.Endpoint({ host, port: yield* freePort(host) })
    const connect = neighboursOf(site).flatMap((other) => {
      const { host, port } = line(site, other).endpoint
      return ["--connect", new Address.Address({ key: there(keys, other), host, port }).toString()]
    })
    const starting = SiteProcess.start({
      name: site,
      place: places.of(site),
      settings: [
        "--listen",
        String(endpoint),
        "--advertise",
        String(nowhere.endpoint),
        "--heartbeat",
        "fast",
        ...connect
      ],
      onDeath: (error) => Deferred.doneUnsafe(failed, Effect.fail(error))
    }).pipe(Effect.provideService(Scope.Scope, scope))
    const started = yield* Effect.timeoutOrElse(starting, {
      duration: readyWithin,
      orElse: () => Effect.fail(new DemoFailed({ problem: `site ${site} was not ready within ${readyWithin}` }))
    })
    processes.set(site, started)
    endpoints.set(site, endpoint)
    say(`${users[site]}'s node is ready`)
    for (const other of neighboursOf(site)) line(other, site).aim(endpoint)
  })

  const stop = Effect.fnUntraced(function* (site: Site) {
    const clock = yield* Clock.Clock
    const asked = clock.currentTimeMillisUnsafe()
    const { code, signal } = yield* process(site).stop
    const stopped: Stop = { site, code, signal, millis: clock.currentTimeMillisUnsafe() - asked }
    return stopped
  })
  const both = (one: Site, other: Site) => [line(one, other), line(other, one)]

  yield* Effect.forEach(sites, start, { concurrency: "unbounded", discard: true })
  const ring: Ring = {
    keyOf: (site) => there(keys, site),
    endpointOf: (site) => there(endpoints, site),
    kill: (site) => Effect.asVoid(process(site).kill),
    restart: start,
    freeze: (site) => process(site).freeze(),
    thaw: (site) => process(site).thaw(),
    cut: (one, other) => both(one, other).forEach((line) => line.cut("silence")),
    heal: (one, other) => both(one, other).forEach((line) => line.heal()),
    stop: Effect.forEach(sites, stop, { concurrency: "unbounded" }),
    failed: Deferred.await(failed)
  }
  return ring
})
