/**
 * The NATS server with JetStream: the program `nats-server` on the PATH, else from Debian 13's package, which is one
 * file that runs on any Linux of the same processor. 2.10 is the first that can force every write to the disk.
 */
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import { freePort } from "../../test/support/FreePort.ts"
import * as Debian from "./Debian.ts"
import type { Server } from "./Server.ts"
import * as ServerProcess from "./ServerProcess.ts"

const versionOf = async (program: string): Promise<string | undefined> => {
  try {
    const { stdout } = await promisify(execFile)(program, ["-v"])
    return /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
  } catch {
    return undefined
  }
}

const isRecent = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  return major > 2 || (major === 2 && minor >= 10)
}

const find = async (): Promise<{ readonly program: string; readonly version: string }> => {
  const known = await versionOf("nats-server")
  if (known !== undefined && isRecent(known)) return { program: "nats-server", version: known }
  const missing = (cause?: unknown) =>
    new Error("install nats-server 2.10 or later (https://github.com/nats-io/nats-server/releases) on the PATH", {
      cause
    })
  const root = await Debian.unpack({ name: "nats", packages: ["nats-server"], suite: "trixie" }).catch((cause) => {
    throw missing(cause)
  })
  const program = path.join(root, "usr/sbin/nats-server")
  const version = await versionOf(program)
  if (version === undefined) throw missing()
  return { program, version }
}

/** `sync` is the server's `sync_interval`: "always", or a time, which is two minutes by default. */
export const natsServer = (sync: string): Server => ({
  name: "nats-server",
  install: async () => {
    const { program, version } = await find()
    return {
      version: `nats-server ${version}`,
      start: async (folder) => {
        const port = await freePort()
        const file = path.join(folder, "nats.conf")
        const store = JSON.stringify(path.join(folder, "jetstream"))
        await fs.writeFile(
          file,
          `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${store}, sync_interval: "${sync}" }\n`
        )
        const { stop } = await ServerProcess.start({ program, arguments: ["-c", file], port })
        return { address: `127.0.0.1:${port}`, stop }
      }
    }
  }
})
