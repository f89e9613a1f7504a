/**
 * Other people's software to compare with. It is no dependency of this package: `--peers` installs these exact versions
 * into `bench/.cache`, once, with npm.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import { fileURLToPath, pathToFileURL } from "node:url"

const versions = {
  "@chainsafe/libp2p-noise": "17.0.0",
  "@chainsafe/libp2p-yamux": "8.0.1",
  "@hyperswarm/secret-stream": "6.9.2",
  "@libp2p/ping": "3.1.13",
  "@libp2p/tcp": "11.0.28",
  "@multiformats/multiaddr": "13.0.3",
  "@nats-io/jetstream": "3.4.0",
  "@nats-io/transport-node": "3.4.0",
  amqplib: "2.3.1",
  "bitcoin-protocol": "4.1.3",
  "bsv-p2p": "2.0.1",
  "graphile-worker": "0.18.0",
  libp2p: "3.3.11",
  pg: "8.23.1",
  "pg-boss": "12.35.0"
} as const

const folder = new URL(".cache/peers/", import.meta.url)
const manifest = `${JSON.stringify({ private: true, type: "module", dependencies: versions }, null, 2)}\n`

const run = async (command: string, args: ReadonlyArray<string>): Promise<void> => {
  const child = spawn(command, args, { cwd: fileURLToPath(folder), stdio: ["ignore", 2, 2] })
  const [code] = await once(child, "exit")
  if (code !== 0) throw new Error(`"${command} ${args.join(" ")}" ended with ${String(code)}`)
}

/** Installs the peers unless these versions are there. */
export const install = async (): Promise<void> => {
  const file = new URL("package.json", folder)
  const done = new URL("installed.json", folder)
  if ((await fs.readFile(done, "utf8").catch(() => "")) === manifest) return
  await fs.mkdir(folder, { recursive: true })
  await fs.writeFile(file, manifest)
  await run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"])
  await fs.writeFile(done, manifest)
}

/** Loads an installed peer. What comes back is what the caller says it is. */
export const load = async <T>(name: keyof typeof versions): Promise<T> => {
  const { resolve } = createRequire(new URL("package.json", folder))
  let file: string
  try {
    file = resolve(name)
  } catch {
    // Packages that only ESM can import do not resolve with `require`.
    file = fileURLToPath(new URL(`node_modules/${name}/${await entryOf(name)}`, folder))
  }
  const loaded: T = await import(pathToFileURL(file).href)
  return loaded
}

const entryOf = async (name: string): Promise<string> => {
  const text = await fs.readFile(new URL(`node_modules/${name}/package.json`, folder), "utf8")
  const { exports, main }: { exports?: { ".": { import?: string } }; main?: string } = JSON.parse(text)
  return exports?.["."]?.import ?? main ?? "index.js"
}
