/**
 * What a node tells about itself: it is observed from below and measured from above. The metrics of a node have a
 * registry of their own, so that several nodes in one process do not mix theirs.
 */
import { Effect, Layer, Metric, References } from "effect"
import * as ChainMetrics from "../layers/ChainMetrics.ts"
import { CreditMetrics } from "../layers/CreditMetrics.ts"
import { DeliveryMetrics } from "../layers/DeliveryMetrics.ts"
import * as LinkMetrics from "../layers/LinkMetrics.ts"
import * as LinkSpans from "../layers/LinkSpans.ts"
import * as ChainMeter from "../services/chain/ChainMeter.ts"
import * as CreditMeter from "../services/credit/CreditMeter.ts"
import * as DeliveryMeter from "../services/delivery/DeliveryMeter.ts"
import { LinkConfig } from "../services/link/LinkConfig.ts"
import { LinkMeter } from "../services/link/LinkMeter.ts"
import * as LinkObserver from "../services/link/LinkObserver.ts"
import type { Config } from "./Config.ts"
import * as Figures from "./Figures.ts"
import * as Otlp from "./Otlp.ts"
import * as ProcessMetrics from "./ProcessMetrics.ts"

const observer = Layer.effect(
  LinkObserver.LinkObserver,
  Effect.gen(function* () {
    const meter = yield* LinkMeter
    const spans = yield* LinkSpans.observer
    return LinkObserver.all(spans === undefined ? [meter.observer] : [meter.observer, spans])
  })
)

/** Spans that nobody reads need not be made. */
const untraced = Layer.succeed(References.TracerEnabled, false)

/** What the node is built on: who hears of its links, its metric registry, and its log if that goes to a collector. */
export const below = (config: Config): Layer.Layer<LinkMeter> =>
  observer.pipe(
    Layer.provideMerge(LinkMeter.layer.pipe(Layer.provide(Layer.succeed(LinkConfig, Figures.link(config))))),
    Layer.provideMerge(config.otlpUrl === undefined ? untraced : Otlp.below(config.otlpUrl, config)),
    Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map())),
    Layer.provideMerge(Layer.sync(DeliveryMeter.DeliveryMeter, DeliveryMeter.make)),
    Layer.provideMerge(Layer.sync(ChainMeter.ChainMeter, ChainMeter.make)),
    Layer.provideMerge(Layer.sync(CreditMeter.CreditMeter, CreditMeter.make))
  )

/** The metrics of the node, which `GET /metrics` tells, and a collector if there is one. */
export const above = (config: Config) => {
  const metrics = Layer.mergeAll(
    LinkMetrics.layer({ perPeer: config.metricsPerPeer }),
    DeliveryMetrics.layer,
    ChainMetrics.layerIfKept,
    CreditMetrics.layerIfKept,
    ProcessMetrics.layer
  )
  return config.otlpUrl === undefined ? metrics : Otlp.above(config.otlpUrl, config).pipe(Layer.provideMerge(metrics))
}
