/**
 * The top of the page: what was found, of what run, how to see it again, and what went wrong on purpose.
 */
import { type FailureFile, replayCommand } from "../campaign/FailureFile.ts"
import type { Verdict } from "../cluster/Verdict.ts"
import { describe } from "../faults/Words.ts"
import { facts, headline, particulars, settings } from "./Findings.ts"
import { colourOf } from "./LaneDrawing.ts"
import { html, lines, type Markup, nothing } from "./Markup.ts"
import type { Story } from "./Story.ts"

/** Faults of the plan that are listed. */
const maxFaults = 200

const list = (entries: ReadonlyArray<readonly [string, string]>): Markup =>
  html`<dl>
    ${entries.map(
      ([name, words]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${words}</dd>
        </div>`
    )}
  </dl>`

const detailed = (verdict: Verdict, tone: string): Markup => {
  const { more, title } = particulars(verdict)
  if (title === "" && more === "") return nothing
  const told = more.split(/\r?\n/)
  const body = told.length > 1 ? html`<pre>${lines(told)}</pre>` : html`<p>${more}</p>`
  return html`<div class="detail ${tone}">
    ${title === "" ? nothing : html`<p><strong>${title}</strong></p>`}${body}
  </div>`
}

/** Why a fault of the plan is nowhere in the trace. A run records its first events before anything else happens in it. */
const absent = ({ trace }: FailureFile): string =>
  (trace[0]?.n ?? 0) <= 1 ? "it never came to that" : "not within the events that were kept"

const plan = ({ bands, file }: Story): Markup => {
  if (file.plan.faults.length === 0) return html`<p>No faults: everything went as well as it can.</p>`
  const more = file.plan.faults.length - maxFaults
  const items = file.plan.faults.slice(0, maxFaults).map((entry, index) => {
    const band = bands.find((each) => each.entry === index)
    const words = describe(entry)
    const told =
      band === undefined
        ? html`<span class="never">${words} (${absent(file)})</span>`
        : html`<a href="#e${band.first}">${words}</a>`
    return html`<li><span class="swatch c${colourOf({ entry: index }, index)}">${index + 1}</span>${told}</li>`
  })
  return html`<ol class="plan">
      ${items}
    </ol>
    ${more > 0 ? html`<p>And ${more} more.</p>` : nothing}`
}

export const pageHeader = (story: Story, path?: string): Markup => {
  const { file, end } = story
  const { badge, tone, words } = headline(file.verdict)
  return html`<header>
    <h1><span class="badge ${tone}">${badge}</span> ${words}</h1>
    ${detailed(file.verdict, tone)}
    ${file.verdict._tag === "Held" ? nothing : html`<p><a href="#e${end}">Go to that moment</a></p>`}
    ${list(facts(story))}
    <p>See it again: <code class="replay">${replayCommand(file, path)}</code></p>
    <h2>What went wrong on purpose</h2>
    ${plan(story)} ${list(settings(file))}
  </header>`
}
