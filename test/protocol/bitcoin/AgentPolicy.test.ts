import { assert, describe, it } from "@effect/vitest"
import * as AgentPolicy from "../../../src/protocol/bitcoin/AgentPolicy.ts"

const verdict = (policy: AgentPolicy.AgentPolicy, agent: string) => AgentPolicy.judge(policy, agent)._tag

describe("user agents", () => {
  const agents: ReadonlyArray<readonly [agent: string, notOtherChains: string, onlyBsv: string]> = [
    ["/Bitcoin SV:1.2.2/", "Taken", "Taken"],
    ["/BITCOIN SV:1.2.2(eb4096)/", "Taken", "Taken"],
    ["/bsv-p2p:2.0.1/", "Taken", "Taken"],
    ["/Teranode:0.1/", "Taken", "NotRequired"],
    ["", "Taken", "NotRequired"],
    ["/bcash:1.1.1/", "Denied", "Denied"],
    ["/Bitcoin ABC:0.30/", "Denied", "Denied"],
    ["/Satoshi:0.21.1/Knots:20210629/", "Denied", "Denied"]
  ]
  for (const [agent, chains, bsv] of agents) {
    it(`are judged by what they contain: ${agent}`, () => {
      assert.strictEqual(verdict(AgentPolicy.notOtherChains, agent), chains)
      assert.strictEqual(verdict(AgentPolicy.onlyBsv, agent), bsv)
      assert.strictEqual(verdict(AgentPolicy.everybody, agent), "Taken")
    })
  }

  it("are allowed before they are denied, and denied before something is required", () => {
    const policy = { allow: ["Good"], deny: ["bad"], require: ["node"] }
    assert.strictEqual(verdict(policy, "a good bad one"), "Taken")
    assert.deepStrictEqual(AgentPolicy.judge(policy, "a BAD node"), { _tag: "Denied", by: "bad" })
    assert.strictEqual(verdict(policy, "a node"), "Taken")
    assert.strictEqual(verdict(policy, "something"), "NotRequired")
    assert.strictEqual(verdict({ ...policy, deny: [""] }, "a node"), "Taken")
  })

  it("are shown without what a terminal would act on", () => {
    assert.strictEqual(AgentPolicy.printable("/x\u001b[2J\nβ/"), "/x\\u{1b}[2J\\u{a}\\u{3b2}/")
    assert.strictEqual(AgentPolicy.printable("a".repeat(1_000)).length, 256)
  })
})
