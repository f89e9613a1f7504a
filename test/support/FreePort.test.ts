import { assert, it } from "@effect/vitest"
import { once } from "node:events"
import * as net from "node:net"
import { freePort } from "./FreePort.ts"

it("gives out ports that nobody listens at, each once, now or later", async () => {
  const taken = net.createServer().listen(await freePort(), "127.0.0.1")
  await once(taken, "listening")
  const ports = await Promise.all(Array.from({ length: 200 }, freePort))
  for (let n = 0; n < 800; n++) ports.push(await freePort())
  assert.strictEqual(new Set(ports).size, ports.length)
  const address = taken.address()
  assert.isFalse(typeof address === "object" && address !== null && ports.includes(address.port))
  taken.close()
})
