/**
 * The settings of what a node tells about itself: metrics, an OpenTelemetry collector, the log.
 */
import * as Value from "../SettingValue.ts"
import { hour, optional, required, second, time } from "./Setting.ts"

export const observationSettings = {
  metricsPerPeer: required("metrics-per-peer", Value.flag, "false", {
    metavar: "",
    about: "Metrics of each connected peer as well, labelled with its key"
  }),
  otlpUrl: optional("otlp-url", Value.url, {
    metavar: "<url>",
    about: "An OpenTelemetry collector to send metrics, traces and logs to by OTLP over HTTP, http://127.0.0.1:4318",
    env: ["HOLDFAST_OTLP_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"]
  }),
  otlpHeaders: {
    ...optional("otlp-header", Value.header, {
      metavar: "<name=value>",
      about: "A header for the collector, such as authorization=Bearer <token>; may be given several times",
      env: ["HOLDFAST_OTLP_HEADERS"]
    }),
    many: true,
    secret: true
  },
  otlpInterval: time("otlp-interval", second, hour, 15 * second, "How often metrics, traces and logs are sent to it"),
  logLevel: required("log-level", Value.choice(["none", "error", "warn", "info", "debug", "trace"]), "info", {
    metavar: "<level>",
    about: "The least important messages to log: none, error, warn, info, debug or trace"
  }),
  logFormat: required("log-format", Value.choice(["text", "json"]), "text", {
    metavar: "<format>",
    about: "How to log: text or json, one object per line"
  })
} as const
