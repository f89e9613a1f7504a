/**
 * A real VictoriaMetrics, which takes metrics by OTLP.
 */
import { join } from "node:path"
import { freePort } from "./FreePort.ts"
import { MetricsServer } from "./MetricsServer.ts"

export const start = async (): Promise<MetricsServer> => {
  const address = `127.0.0.1:${await freePort()}`
  const args = (folder: string) => [
    `-httpListenAddr=${address}`,
    `-storageDataPath=${join(folder, "data")}`,
    "-opentelemetry.usePrometheusNaming",
    "-search.latencyOffset=0s",
    "-search.disableCache"
  ]
  return MetricsServer.start({ name: "victoria-metrics", args, ready: "started server at" }, `http://${address}`)
}

/** Where it takes OTLP; `/v1/metrics` is appended to it. */
export const otlpOf = ({ url }: MetricsServer): string => `${url}/opentelemetry`
