/**
 * `holdfast inbox --follow` beside a node that is played here, so that a note can arrive at the worst moment.
 */
import { assert, describe, it } from "@effect/vitest"
import { once } from "node:events"
import { writeFile } from "node:fs/promises"
import { createServer, type ServerResponse } from "node:http"
import { join } from "node:path"
import type { EventView } from "../../src/programs/http/Models.ts"
import { NodeKey } from "../../src/protocol/NodeKey.ts"
import { HoldfastProcess, temporaryFolder } from "./HoldfastProcess.ts"

const key = NodeKey.make("ab".repeat(32))
const feed = "00000000-0000-4000-8000-000000000000"
const other = "00000000-0000-4000-8000-000000000001"
const note = { position: "1", peer: key, id: feed, text: "just then", receivedAt: 0 }

const answer = (response: ServerResponse, body: unknown) =>
  response.setHeader("content-type", "application/json").end(JSON.stringify(body))

/** Answers of the API, one after the other; each is told how often it has been asked. */
interface Answers {
  readonly inbox: (response: ServerResponse, times: number) => void
  readonly events: (response: ServerResponse, times: number) => void
}

const item = (response: ServerResponse, event: typeof EventView.Encoded) =>
  response.write(`id: ${event.cursor}\ndata: ${JSON.stringify(event)}\n\n`)
const now: typeof EventView.Encoded = { _tag: "Now", cursor: `${feed}:1` }
const arrival: Extract<typeof EventView.Encoded, { readonly _tag: "Event" }> = {
  _tag: "Event",
  cursor: `${feed}:2`,
  at: 0,
  audience: "",
  protocol: "note",
  subject: key,
  kind: "note.received",
  body: note
}

/** What `inbox --follow` shows of a node that answers so, until it has shown this. */
const shown = async ({ events, inbox }: Answers, last: string): Promise<string> => {
  const folder = await temporaryFolder()
  const times = { inbox: 0, events: 0 }
  const server = createServer((request, response) => {
    if (!(request.url ?? "").startsWith("/events")) return inbox(response, ++times.inbox)
    response.setHeader("content-type", "text/event-stream")
    events(response, ++times.events)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const place = server.address()
  const port = typeof place === "object" && place !== null ? place.port : 0
  await writeFile(join(folder.path, "api.token"), `${"x".repeat(43)}\n`)
  const running = { url: `http://127.0.0.1:${port}`, node: key, pid: 1 }
  await writeFile(join(folder.path, "api.json"), JSON.stringify(running))
  const following = new HoldfastProcess(["inbox", "--follow", "--json", "--data", folder.path])
  await following.line(last)
  const { code, stdout } = await following.stop()
  assert.strictEqual(code, 0)
  server.closeAllConnections()
  server.close()
  await folder.remove()
  return stdout
}

const linesOf = (text: string): number => text.trim().split("\n").length

describe("inbox --follow", () => {
  it("shows a note that arrives before the events begin", async () => {
    const stdout = await shown(
      {
        inbox: (response, times) => answer(response, { items: times > 1 ? [] : [note] }),
        events: (response) => item(response, now)
      },
      "just then"
    )
    assert.include(stdout, key)
  })

  it("shows a note once that is there at its first look and whose event comes as well", async () => {
    const stdout = await shown(
      {
        inbox: (response) => answer(response, { items: [note] }),
        events: (response) => {
          item(response, now)
          item(response, arrival)
          item(response, { ...arrival, cursor: `${feed}:3`, body: { ...note, id: other, text: "later" } })
        }
      },
      "later"
    )
    assert.strictEqual(linesOf(stdout), 2)
  })

  it("shows each note whose event comes, in the order of the events, whatever their positions", async () => {
    const stdout = await shown(
      {
        inbox: (response) => answer(response, { items: [] }),
        events: (response) => {
          item(response, now)
          item(response, { ...arrival, body: { ...note, position: "6", id: other, text: "six" } })
          item(response, { ...arrival, cursor: `${feed}:3`, body: { ...note, position: "5" } })
        }
      },
      "just then"
    )
    assert.match(stdout, /six[^]*just then/)
  })

  it("looks again when its look fails", async () => {
    const stdout = await shown(
      {
        inbox: (response, times) => {
          if (times === 1) return void response.destroy()
          answer(response, { items: [note] })
        },
        events: (response) => item(response, now)
      },
      "just then"
    )
    assert.strictEqual(linesOf(stdout), 1)
  })
})
