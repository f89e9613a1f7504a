/** Writes the re-exporting files anew from the modules that are there: `npm run barrel`. */
import { readdirSync, writeFileSync } from "node:fs"
import { join, sep } from "node:path"
import { fileURLToPath } from "node:url"
import { barrels } from "./Barrel.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const paths = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
for (const [path, text] of barrels(paths.map((path) => `src/${path.replaceAll(sep, "/")}`)))
  writeFileSync(join(root, path), text)
