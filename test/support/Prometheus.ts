/**
 * A real Prometheus that scrapes nodes every second.
 */
import { Schema } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { freePort } from "./FreePort.ts"
import { MetricsServer } from "./MetricsServer.ts"

export interface Target {
  readonly job: string
  /** `host:port` of the node's API. */
  readonly address: string
  /** The file with the node's token. */
  readonly token: string
}

const configuration = (targets: ReadonlyArray<Target>): string =>
  JSON.stringify({
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: targets.map(({ address, job, token }) => ({
      job_name: job,
      authorization: { credentials_file: token },
      static_configs: [{ targets: [address] }]
    }))
  })

export const start = async (targets: ReadonlyArray<Target>): Promise<MetricsServer> => {
  const address = `127.0.0.1:${await freePort()}`
  const args = (folder: string) => {
    const config = join(folder, "prometheus.yml")
    writeFileSync(config, configuration(targets))
    return [`--config.file=${config}`, `--storage.tsdb.path=${join(folder, "data")}`, `--web.listen-address=${address}`]
  }
  const ready = "Server is ready to receive web requests"
  return MetricsServer.start({ name: "prometheus", args, ready }, `http://${address}`)
}

const Targets = Schema.fromJsonString(
  Schema.Struct({
    data: Schema.Struct({
      activeTargets: Schema.Array(
        Schema.Struct({ scrapePool: Schema.String, health: Schema.String, lastError: Schema.String })
      )
    })
  })
)

/** How the last scrape of a job went. */
export const scrapeOf = async (server: MetricsServer, job: string) => {
  const { data } = await server.get("targets?state=active", Targets)
  return data.activeTargets.find(({ scrapePool }) => scrapePool === job)
}

const Metadata = Schema.fromJsonString(
  Schema.Struct({
    data: Schema.Record(Schema.String, Schema.Array(Schema.Struct({ type: Schema.String, help: Schema.String })))
  })
)

/** The types and descriptions that it has read, by the names of metrics. */
export const metadata = async (server: MetricsServer) => (await server.get("metadata", Metadata)).data
