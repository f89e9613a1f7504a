/**
 * `holdfast inbox --follow` beside a node that is played here, so that a note can arrive at the worst moment.
 */
import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { writeFile } from "node:fs/promises"
import { createServer, type ServerResponse } from "node:http"
import { join } from "node:path"
import { NodeKey } from "../../src/protocol/NodeKey.ts"
import { HoldfastProcess, temporaryFolder } from "./HoldfastProcess.ts"

const key = NodeKey.make("ab".repeat(32))
const feed = "00000000-0000-4000-8000-000000000000"
const note = { position: "1", peer: key, id: feed, text: "just then", receivedAt: 0 }

const answer = (response: ServerResponse, body: unknown) =>
  response.setHeader("content-type", "application/json").end(JSON.stringify(body))

/** A node to which a note comes after its inbox was read for the first time, and before its events are. */
const nodeAt = async (folder: string) => {
  let arrived = false
  const server = createServer((request, response) => {
    const path = request.url ?? ""
    if (!path.startsWith("/events")) return void answer(response, { items: arrived ? [note] : [] })
    arrived = true
    response.setHeader("content-type", "text/event-stream")
    response.write(`id: ${feed}:1\ndata: ${JSON.stringify({ _tag: "Now", cursor: `${feed}:1` })}\n\n`)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const place = server.address()
  const port = typeof place === "object" && place !== null ? place.port : 0
  await writeFile(join(folder, "api.token"), `${"x".repeat(43)}\n`)
  await writeFile(join(folder, "api.json"), JSON.stringify({ url: `http://127.0.0.1:${port}`, node: key, pid: 1 }))
  return server
}

describe("inbox --follow", () => {
  it("shows a note that arrives between its first look and the beginning of the events", async () => {
    const folder = await temporaryFolder()
    const server = await nodeAt(folder.path)
    const inbox = new HoldfastProcess(["inbox", "--follow", "--json", "--data", folder.path])
    assert.include(await inbox.line("just then"), key)
    assert.strictEqual((await inbox.stop()).code, 0)
    server.closeAllConnections()
    server.close()
    await folder.remove()
  })
})
