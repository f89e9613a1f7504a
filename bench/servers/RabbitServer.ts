/**
 * A RabbitMQ of one node: from this machine's Debian packages, with the Erlang that belongs to it, else the program
 * `rabbitmq-server` on the PATH. Its own epmd and everything else listen on loopback only.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { freePort } from "../../test/support/FreePort.ts"
import * as Debian from "./Debian.ts"
import type { Server } from "./Server.ts"
import * as ServerProcess from "./ServerProcess.ts"

const erlang = "asn1 base crypto eldap ftp inets mnesia os-mon parsetools public-key runtime-tools snmp ssl"
  .concat(" syntax-tools tftp tools xmerl")
  .split(" ")
  .map((name) => `erlang-${name}`)

interface Found {
  readonly program: string
  readonly epmd: string
  /** Where `erl` is. */
  readonly path: string
  readonly version: string
}

const first = async (folder: string, starts: string): Promise<string> => {
  const name = (await fs.readdir(folder)).find((entry) => entry.startsWith(starts))
  if (name === undefined) throw new Error(`there is no ${starts} in ${folder}`)
  return path.join(folder, name)
}

/** Erlang knows where it was meant to be: says where it is instead. */
const relocate = async (home: string): Promise<void> => {
  const file = path.join(home, "bin/erl")
  const text = await fs.readFile(file, "utf8")
  await fs.writeFile(file, text.replaceAll(/ROOTDIR=\/usr\/lib\/erlang$/gm, `ROOTDIR="${home}"`))
}

const find = async (): Promise<Found> => {
  try {
    const root = await Debian.unpack({ name: "rabbitmq", packages: ["rabbitmq-server", ...erlang] })
    const home = path.join(root, "usr/lib/erlang")
    await relocate(home)
    const server = await first(path.join(root, "usr/lib/rabbitmq/lib"), "rabbitmq_server-")
    return {
      program: path.join(server, "sbin/rabbitmq-server"),
      epmd: path.join(await first(home, "erts-"), "bin/epmd"),
      path: path.join(home, "bin"),
      version: path.basename(server).replace("rabbitmq_server-", "")
    }
  } catch (cause) {
    return onPath(cause)
  }
}

const onPath = async (cause: unknown): Promise<Found> => {
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    const program = path.join(folder, "rabbitmq-server")
    const there = await fs.access(program).then(
      () => true,
      () => false
    )
    if (there) return { program, epmd: "epmd", path: folder, version: "of the PATH" }
  }
  throw new Error("install rabbitmq-server with its Erlang (https://www.rabbitmq.com/docs/download) on the PATH", {
    cause
  })
}

const startIn = async (folder: string, { epmd, path: erl, program }: Found) => {
  const [port, epmdPort, nodePort] = [await freePort(), await freePort(), await freePort()]
  const file = (name: string) => path.join(folder, name)
  await fs.writeFile(
    file("rabbitmq.conf"),
    `listeners.tcp.default = 127.0.0.1:${port}\nlog.console = true\nlog.console.level = error\nlog.file = false\n`
  )
  await fs.writeFile(file("enabled_plugins"), "[].")
  const names = await ServerProcess.start({
    program: epmd,
    arguments: ["-address", "127.0.0.1", "-port", String(epmdPort)],
    port: epmdPort
  })
  const node = await ServerProcess.start({
    program,
    arguments: [],
    port,
    environment: {
      PATH: `${erl}${path.delimiter}${process.env["PATH"] ?? ""}`,
      HOME: folder,
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: "127.0.0.1",
      RABBITMQ_NODENAME: "bench@localhost",
      RABBITMQ_DIST_PORT: String(nodePort),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
      RABBITMQ_CONFIG_FILE: file("rabbitmq.conf"),
      RABBITMQ_CONF_ENV_FILE: file("none"),
      RABBITMQ_ENABLED_PLUGINS_FILE: file("enabled_plugins"),
      RABBITMQ_MNESIA_BASE: file("data"),
      RABBITMQ_LOG_BASE: file("log"),
      RABBITMQ_PID_FILE: file("pid"),
      // Its script becomes the server, so that the process that was started is the one that ends.
      RUNNING_UNDER_SYSTEMD: "true"
    }
  }).catch(async (cause: unknown) => {
    await names.stop()
    throw cause
  })
  return {
    address: `amqp://guest:guest@127.0.0.1:${port}`,
    stop: async () => {
      await node.stop()
      await names.stop()
    }
  }
}

export const rabbitServer: Server = {
  name: "rabbitmq-server",
  install: async () => {
    const found = await find()
    return { version: `RabbitMQ ${found.version}`, start: (folder) => startIn(folder, found) }
  }
}
