/**
 * Name and version of this program, from its package, whether it runs from source or compiled.
 */
import { createRequire } from "node:module"

const manifest: unknown = createRequire(import.meta.url)("holdfast/package.json")

const versionIn = (from: unknown): string =>
  typeof from === "object" && from !== null && "version" in from && typeof from.version === "string"
    ? from.version
    : "0"

export const version = versionIn(manifest)

/** What a node says it is. */
export const agent = `holdfast/${version}`
