/**
 * What a whole test run shares: one PostgreSQL server, started when the first test file asks for it (through
 * `FreshDatabase.ts`), so that a run of tests that need none pays nothing; and a folder in which Node keeps the code that it
 * has compiled, since hundreds of processes load the same sources, and loading takes more than half of what most of them do.
 */
import { spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import * as net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import type { Reply } from "./FreshDatabase.ts"
import { type Server, start } from "./PostgresServer.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Where to ask for the server, and the word without which there is no answer. */
    readonly postgres: { readonly port: number; readonly word: string }
    /** What git calls the sources of the commit that is checked out. Empty without git. */
    readonly sources: string
  }
}

/** Has all processes of the run, and those that they start, share what Node has compiled. Gives back what removes it. */
const shareCompiled = async (): Promise<() => Promise<void>> => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-compiled-"))
  process.env["NODE_COMPILE_CACHE"] = folder
  return () => rm(folder, { recursive: true, force: true, maxRetries: 5 })
}

const sources = (): string => spawnSync("git", ["rev-parse", "HEAD^{tree}"], { encoding: "utf8" }).stdout?.trim() ?? ""

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const removeCompiled = await shareCompiled()
  const word = randomBytes(16).toString("hex")
  let server: Promise<Server> | undefined
  const reply = async (): Promise<Reply> => {
    try {
      server ??= start()
      const { url, own } = await server
      return { url, own }
    } catch (cause) {
      return { error: cause instanceof Error ? cause.message : String(cause) }
    }
  }
  const desk = net.createServer((socket) => {
    socket.on("error", () => socket.destroy())
    socket.once("data", async (asked) => {
      if (asked.toString() === word) socket.end(JSON.stringify(await reply()))
      else socket.destroy()
    })
  })
  desk.listen(0, "127.0.0.1")
  await once(desk, "listening")
  const address = desk.address()
  if (address === null || typeof address === "string") throw new Error("no port for the test databases")
  project.provide("postgres", { port: address.port, word })
  project.provide("sources", sources())
  return async () => {
    desk.close()
    await server?.then(
      (it) => it.stop(),
      () => {}
    )
    await removeCompiled()
  }
}
