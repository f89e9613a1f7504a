/** The part of `npm run bench -- chain --peers` that needs bcoin: that it measures everybody, and that nobody is measured without it. */
import { assert, describe, it } from "@effect/vitest"
import * as Beside from "../../bench/chain/Beside.ts"
import * as Works from "../../bench/chain/Works.ts"
import { judge } from "../../bench/Bars.ts"
import { Ledger } from "../../bench/Measurement.ts"
import * as JsLibrary from "../support/interop/JsLibrary.ts"
import * as PostgresServer from "../support/PostgresServer.ts"

const [runs, count] = [2, 60]

describe("blocks of a bcoin node", () => {
  it("are fetched by everybody in each run, and the figures of both are compared", async () => {
    const ledger = new Ledger()
    const order: Array<string> = []
    const server = await PostgresServer.start()
    try {
      await Beside.measure({
        runs,
        count,
        createDatabase: () => PostgresServer.createDatabase(server.url),
        progress: (run, contender) => void order.push(`${run} ${contender}`),
        seen: (run, contender, figures) => ledger.add(run, contender, figures)
      })
    } finally {
      await server.stop()
    }
    const names = Object.values(Works.besideNames)
    assert.sameMembers(
      order,
      [0, 1].flatMap((run) => names.map((name) => `${run} ${name}`))
    )
    assert.notStrictEqual(order[0]?.slice(2), order[names.length]?.slice(2), "each run begins with another one")
    assert.lengthOf(ledger.measurements, names.length * 3)
    for (const { better, contender, metric, values } of ledger.measurements) {
      assert.lengthOf(values, runs)
      for (const value of values) assert.isAbove(value ?? 0, 0, `${contender}: ${metric}, the ${better} the better`)
    }
    const [verdict] = judge(Works.besideBars(count), ledger.measurements)
    assert.isDefined(verdict?.reached)
  })

  it("are not asked for where bcoin is missing: it is said what to run", () => {
    assert.isUndefined(JsLibrary.missing("bcoin"))
    const { message = "" } = JsLibrary.missing("bcoin", "/nowhere") ?? {}
    assert.strictEqual(message, 'No bcoin was found: run "scripts/install-nodes.sh".')
  })
})
