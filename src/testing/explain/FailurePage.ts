/**
 * A failure as one page for a browser: what was found, the run as a timeline that can be walked and filtered, and how to
 * see it again. The page is whole in itself: it loads nothing, and is forbidden to.
 */
import { createHash } from "node:crypto"
import type { FailureFile } from "../campaign/FailureFile.ts"
import { lastEvents } from "./EventLines.ts"
import { data, html, lines, Markup, nothing, verbatim } from "./Markup.ts"
import { headline } from "./Findings.ts"
import { pageHeader } from "./PageHeader.ts"
import { pageScript } from "./PageScript.ts"
import { pageStyle } from "./PageStyle.ts"
import { pageTimeline, widths } from "./PageTimeline.ts"
import { story as storyOf } from "./Story.ts"

export interface Options {
  /** Where the failure file is, for the command that replays it. */
  readonly path?: string | undefined
}

/** Events that have a row: more make browsers slow. */
const drawn = 4_000
/** Events that are listed in words below the timeline. */
const listed = 200

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`

/** Only the style and the script of the page itself, whatever else should get into it. */
const policy = (style: string, script: string): string =>
  `default-src 'none'; style-src ${hash(style)}; script-src ${hash(script)}; base-uri 'none'; form-action 'none'`

/** The page of a failure, as HTML. */
export const explain = (file: FailureFile, { path }: Options = {}): string => {
  const story = storyOf(file, drawn)
  const { definitions, facts, markup } = pageTimeline(story)
  const style = pageStyle(...widths(story))
  const { badge } = headline(file.verdict)
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy(style, pageScript)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${badge}: ${file.scenario}, seed ${file.seed}</title>
        ${verbatim("<style>", new Markup(style), "</style>")}
      </head>
      <body>
        <svg width="0" height="0" aria-hidden="true" class="definitions">
          <defs>
            <marker
              id="head"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0 0L8 4L0 8z" />
            </marker>
            <marker
              id="badhead"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="10"
              markerHeight="10"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0 0L8 4L0 8z" />
            </marker>
            ${definitions}
          </defs>
        </svg>
        ${pageHeader(story, path)}
        <main>
          <h2>What happened</h2>
          ${story.earlier.length === 0 ? nothing : html`<p>The file has ${story.earlier.length} earlier events.</p>`}
          ${markup}
          <h2 id="words">The last ${Math.min(listed, story.rows.length)} events in words</h2>
          <pre id="last" tabindex="0" aria-labelledby="words">${lines(lastEvents(story, listed))}</pre>
        </main>
        <footer>Made from the failure file alone. Times are seconds of the simulated world since the run began.</footer>
        ${verbatim('<script type="application/json" id="facts">', data(facts), "</script>")}
        ${verbatim("<script>", new Markup(pageScript), "</script>")}
      </body>
    </html> `.text
}
