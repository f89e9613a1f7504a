import { assert, describe, it } from "@effect/vitest"
import * as DeliveryMeter from "../../../src/services/delivery/DeliveryMeter.ts"
import * as Histogram from "../../../src/protocol/Histogram.ts"

describe("the meter of delivery", () => {
  it("counts batches by their size, and their messages as attempts", () => {
    const meter = DeliveryMeter.make()
    meter.batchSent(1)
    meter.batchSent(3)
    meter.batchSent(5_000)
    const { attempts, sentBatches } = meter.reading()
    assert.strictEqual(attempts, 5_004)
    assert.deepInclude(sentBatches, { sum: 5_004, min: 1, max: 5_000 })
    assert.deepStrictEqual(sentBatches.counts, [1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
  })

  it("counts as a histogram does that is added to value by value", () => {
    const meter = DeliveryMeter.make()
    const values = [0, 0.5, 1, 1.1, 3, 25, 400, 12_345]
    for (const millis of values) meter.settled(millis)
    const { settle } = meter.reading().commitSeconds
    const expected = values.reduce((sum, millis) => Histogram.add(sum, millis / 1_000), Histogram.empty(settle.bounds))
    assert.deepStrictEqual(settle, expected)
  })

  it("keeps what each kind of transaction takes apart, and gives readings that do not change", () => {
    const meter = DeliveryMeter.make()
    const before = meter.reading()
    meter.received(10, 2)
    meter.settled(4)
    meter.groupSent(7, 1)
    meter.expired(2)
    meter.parked(1)
    meter.takenOver(3)
    const { commitSeconds, groups, receivedBatches, ...totals } = meter.reading()
    assert.deepInclude(totals, { attempts: 0, expired: 2, parked: 1, takeovers: 3 })
    assert.deepStrictEqual(
      [commitSeconds.receive.sum, commitSeconds.settle.sum, commitSeconds.send.sum, receivedBatches.sum, groups.sum],
      [0.002, 0.004, 0.001, 10, 7]
    )
    assert.strictEqual(Histogram.size(before.receivedBatches), 0)
    assert.strictEqual(before.expired, 0)
  })
})
