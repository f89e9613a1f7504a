/**
 * A real browser for pages that the project writes: Chromium from the system, offline, in a profile of its own.
 *
 * Only the driver is a dependency. The browser is looked for on the PATH, and its absence fails with what to install.
 */
import { Effect, FileSystem, Path } from "effect"
import { accessSync, constants } from "node:fs"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { chromium, type Page } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]
const elsewhere = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
const variable = "HOLDFAST_TEST_CHROMIUM"

const isProgram = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The browser's program, or an error that says how to have one. */
export const find = (env: Readonly<Record<string, string | undefined>> = process.env): string => {
  const named = env[variable]
  const folders = (env["PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== "")
  const places = [...folders.flatMap((folder) => names.map((name) => path.join(folder, name))), ...elsewhere]
  const found = named === undefined ? places.find(isProgram) : [named].find(isProgram)
  if (found !== undefined) return found
  throw new Error(
    named === undefined
      ? `No Chromium was found on the PATH (${names.join(", ")}). Install one, on Debian with ` +
          `"apt-get install -y chromium", or name its program in ${variable}.`
      : `${variable} names ${named}, which is not a program: correct it, or unset it to look on the PATH.`
  )
}

/** Milliseconds after which a start or a step has hung; a busy machine must never reach it. */
const patience = 300_000

const launch = Effect.acquireRelease(
  Effect.promise(() =>
    chromium.launch({
      executablePath: find(),
      timeout: patience,
      // Root, as in containers, cannot have the sandbox. The pages are ours.
      args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--disable-quic"]
    })
  ),
  (browser) => Effect.promise(() => browser.close())
)

export interface Opened {
  readonly page: Page
  /** What went wrong in the page so far: errors, whatever its console says, and every request beyond the page itself. */
  readonly complaints: ReadonlyArray<string>
}

/** Opens HTML from a file, as its readers do. Everything is gone when the scope closes. */
export const open = Effect.fnUntraced(function* (html: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const file = join(yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-page-" }), "page.html")
  yield* fs.writeFileString(file, html)
  const url = pathToFileURL(file).href
  const browser = yield* launch
  const page = yield* Effect.promise(() =>
    browser.newPage({ offline: true, viewport: { width: 1400, height: 900 }, colorScheme: "light" })
  )
  page.setDefaultTimeout(patience)
  const complaints: Array<string> = []
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`))
  page.on("console", (message) => complaints.push(`console: ${message.text()}`))
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== url) complaints.push(`request: ${request.url()}`)
  })
  yield* Effect.promise(() => page.goto(url))
  return { page, complaints } satisfies Opened
})
