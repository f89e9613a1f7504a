import { assert, describe, it } from "@effect/vitest"
import { advertised } from "../../../src/protocol/link/Advertised.ts"

const from = (remote: string, host: string, port = 4001) => advertised({ host, port }, remote).toString()

describe("the address of a peer that has dialled us", () => {
  it("is where it comes from, with the port at which it listens", () => {
    for (const host of ["0.0.0.0", "::"]) {
      assert.strictEqual(from("8.8.8.8:50123", host), "8.8.8.8:4001")
      assert.strictEqual(from("[::ffff:8.8.8.8]:50123", host), "8.8.8.8:4001")
      assert.strictEqual(from("[2606:4700::1]:50123", host), "[2606:4700::1]:4001")
    }
  })

  it("keeps the zone that a link-local address is dialled with", () => {
    assert.strictEqual(from("[fe80::1%eth0]:50123", "::"), "[fe80::1%eth0]:4001")
  })

  it("is what it announces, behind a NAT or by a name", () => {
    assert.strictEqual(from("8.8.8.8:50123", "9.9.9.9"), "9.9.9.9:4001")
    assert.strictEqual(from("8.8.8.8:50123", "node.example.org"), "node.example.org:4001")
    assert.strictEqual(from("192.168.1.7:50123", "10.0.0.1"), "10.0.0.1:4001")
    assert.strictEqual(from("127.0.0.1:50123", "127.0.0.1"), "127.0.0.1:4001")
    assert.strictEqual(from("127.0.0.1:50123", "192.168.1.7"), "192.168.1.7:4001")
  })

  it("is never one on our own machine or network that somebody elsewhere names", () => {
    for (const host of ["127.0.0.1", "localhost", "::1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "fe80::1"]) {
      assert.strictEqual(from("8.8.8.8:50123", host), "8.8.8.8:4001", host)
    }
    assert.strictEqual(from("192.168.1.7:50123", "127.0.0.1"), "192.168.1.7:4001")
    assert.strictEqual(from("8.8.8.8:50123", "::ffff:127.0.0.1"), "8.8.8.8:4001")
    assert.strictEqual(from("8.8.8.8:50123", "0177.0.0.1"), "8.8.8.8:4001")
  })
})
