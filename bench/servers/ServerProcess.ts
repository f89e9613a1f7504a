/**
 * A server of somebody else's, run for a benchmark: it ends with the program that started it, however that ends, and
 * is ended by its own process id. A shell stands between the two: it ends the server once its input is closed.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as net from "node:net"

/** How long a server may take to listen, and how long to end, in milliseconds. */
const patience = { start: 60_000, stop: 20_000 }
/** How much of what it says is kept for the message of a failure. */
const kept = 4_000

const guard = `"$0" "$@" </dev/null & server=$!; echo "$server"; cat >/dev/null; kill -TERM "$server"; wait "$server"`

export interface ServerProcess {
  readonly port: number
  /** Returns once it has ended. */
  readonly stop: () => Promise<void>
}

export interface Options {
  readonly program: string
  readonly arguments: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string>>
  /** Where it listens on loopback. */
  readonly port: number
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect({ host: "127.0.0.1", port })
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })

const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Starts a server and waits until it listens. */
export const start = async ({ environment, port, program, ...options }: Options): Promise<ServerProcess> => {
  const child = spawn("/bin/sh", ["-c", guard, program, ...options.arguments], {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "pipe"]
  })
  let said = ""
  let pid: number | undefined
  child.stdout.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-kept)
    pid ??= Number.parseInt(said, 10)
  })
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-kept)
  })
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const over = once(child, "exit")
    child.stdin.end()
    const timer = setTimeout(() => {
      if (pid !== undefined) process.kill(pid, "SIGKILL")
    }, patience.stop)
    await over
    clearTimeout(timer)
  }
  const until = performance.now() + patience.start
  while (!(await listens(port))) {
    if (performance.now() > until || (pid !== undefined && !isAlive(pid))) {
      await stop()
      throw new Error(`${program} does not listen on port ${port}; it said: ${said}`)
    }
    await pause(50)
  }
  return { port, stop }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
