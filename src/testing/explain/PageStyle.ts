/**
 * How the page looks: light, dark and on paper. Nothing is loaded, not even a font.
 */
import { layout } from "./PageLayout.ts"

/** For colour-blind readers and for paper, every colour has a number or a shape beside it. */
const faultColours: ReadonlyArray<readonly [light: string, dark: string]> = [
  ["#e69f00", "#b97f00"],
  ["#56b4e9", "#2d83b5"],
  ["#cc79a7", "#a55784"],
  ["#009e73", "#00805d"],
  ["#b9a800", "#8c8000"],
  ["#0072b2", "#2a76a8"],
  ["#d55e00", "#b04e00"],
  ["#8a8a8a", "#7a7a7a"]
]

const palette = (which: 0 | 1): string =>
  faultColours.map((colour, index) => `--c${index}: ${colour[which]};`).join(" ")

const light = `--page: #fcfcfb; --panel: #f2f2ef; --line: #d9d9d4; --ink: #1c1c1a; --soft: #65655f; --cursor: #fff3c4;
  --bad: #b3261e; --warn: #8a5300; --good: #1b6e3c; --network: #4c5b70; --session: #00695c; --message: #2f4bb8;
  --database: #7a4a12; --process: #1c1c1a; --fault: #9a4a00; --other: #77776f; ${palette(0)}`

const dark = `--page: #161719; --panel: #202225; --line: #3a3d42; --ink: #e8e8e4; --soft: #a3a6ab; --cursor: #40391c;
  --bad: #ff8a80; --warn: #ffb95c; --good: #7bd79a; --network: #a9bbd4; --session: #6fd3c5; --message: #a6b8ff;
  --database: #e3b27c; --process: #e8e8e4; --fault: #ffab66; --other: #9a9a92; ${palette(1)}`

const waits = layout.waits
  .map(
    ({ height }, wait) =>
      `.w${wait} svg { height: ${layout.row + height}px } .w${wait} .m { transform: translateY(${height + layout.row / 2}px) }`
  )
  .join("\n")

const families = ["network", "session", "message", "database", "process", "fault", "other"]
  .map((family) => `.${family} { --k: var(--${family}) }`)
  .join(" ")

const swatches = faultColours
  .map((_, index) => `.c${index} { fill: var(--c${index}); --swatch: var(--c${index}) }`)
  .join(" ")

export const pageStyle = (laneWidth: number, lanes: number): string => `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box }
.definitions { position: absolute }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
header, main, footer { padding: 0 1.5rem; max-width: 110rem; margin: 0 auto }
h1 { font-size: 1.55rem; line-height: 1.25; margin: 1.4rem 0 0.3rem; max-width: 60rem }
h2 { font-size: 1.1rem; margin: 1.8rem 0 0.5rem }
p { margin: 0.3rem 0; max-width: 60rem; overflow-wrap: anywhere }
a { color: inherit; text-decoration-color: var(--soft); text-underline-offset: 2px }
code, pre, time, .wait, #last { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 0.87em }
pre { margin: 0.5rem 0; white-space: pre-wrap; overflow-wrap: anywhere }
.badge { display: inline-block; padding: 0.05rem 0.6rem; border-radius: 0.3rem; color: var(--page); background: var(--tone); font-weight: 600 }
.bad { --tone: var(--bad) } .warn { --tone: var(--warn) } .good { --tone: var(--good) }
.detail { border-left: 4px solid var(--tone); padding-left: 0.8rem; margin: 0.6rem 0 }
.replay { display: inline-block; padding: 0.35rem 0.7rem; background: var(--panel); border: 1px solid var(--line); border-radius: 0.3rem; user-select: all; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.5rem 1.5rem; margin: 0.9rem 0 }
dt { color: var(--soft); font-size: 0.85em } dd { margin: 0; overflow-wrap: anywhere }
.plan { padding: 0; margin: 0.4rem 0; list-style: none; columns: 30rem; max-width: 90rem }
.plan li { break-inside: avoid; padding: 0.1rem 0; display: flex; gap: 0.5rem; overflow-wrap: anywhere }
.swatch { flex: none; display: inline-block; min-width: 1.5em; height: 1.5em; line-height: 1.5em; padding: 0 0.2em; text-align: center; border-radius: 0.25em; font-size: 0.85em; font-weight: 600; color: #111; background: color-mix(in srgb, var(--swatch) 75%, #fff); print-color-adjust: exact }
.never { color: var(--soft) }
fieldset { border: 0; padding: 0; margin: 0 0 0.35rem; display: flex; flex-wrap: wrap; gap: 0.25rem 0.45rem; align-items: center; min-width: 0 }
legend { float: left; width: 4rem; color: var(--soft); font-size: 0.85em }
.chip { display: inline-flex; gap: 0.3rem; align-items: center; padding: 0.02rem 0.55rem; border: 1px solid var(--line); border-radius: 1rem; cursor: pointer; font-size: 0.9em; max-width: 16rem }
.chip span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.chip small { color: var(--soft) }
.chip input { margin: 0; accent-color: var(--message) }
.chip:has(:checked) { background: var(--panel) } .chip:has(:focus-visible) { outline: 2px solid var(--message) }
button { font: inherit; font-size: 0.85em; color: inherit; background: none; border: 1px solid var(--line); border-radius: 0.3rem; padding: 0.02rem 0.55rem; cursor: pointer }
#shown { color: var(--soft); font-size: 0.85em }
body:not(.live) #filter, body:not(.live) .keys { display: none }
.stage { display: grid; grid-template-columns: minmax(0, 1fr) 25rem; gap: 1.5rem; align-items: start }
.timeline { border-collapse: collapse; width: 100%; table-layout: fixed }
.timeline thead th { position: sticky; top: 0; z-index: 2; background: var(--page); border-bottom: 1px solid var(--line); font-weight: 600; text-align: left; padding: 0.25rem 0.5rem; height: 2.2rem }
.timeline th.lanes { padding: 0.25rem 0 }
.timeline td { padding: 0; vertical-align: bottom }
.timeline .t { width: 7.2rem } .timeline .lanes { width: ${lanes * laneWidth}px }
.names { display: flex } .names span { width: ${laneWidth}px; text-align: center; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
#rows .t { text-align: right; padding-right: 0.7rem; color: var(--soft); white-space: nowrap }
#rows time { display: block; line-height: ${layout.row}px }
.wait { display: block; line-height: 16px; color: var(--ink) }
.wait:empty { display: none }
.timeline svg { display: block; overflow: visible; width: ${lanes * laneWidth}px }
.what { line-height: ${layout.row}px; height: ${layout.row}px; padding: 0 0.5rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--k, inherit) }
.what b { color: var(--ink) } .what .again { color: var(--bad); font-weight: 600 }
#rows tr { scroll-margin: 3rem 0; outline: none }
.live #rows tr { cursor: pointer }
#rows tr:hover .what { background: var(--panel) }
#rows tr[aria-current] .what, #rows tr[aria-current] time { background: var(--cursor) }
#rows tr:focus-visible .what { box-shadow: inset 0 0 0 2px var(--message) }
#rows .failed .what { color: var(--bad); font-weight: 600 }
#rows .failed td { background: color-mix(in srgb, var(--bad) 12%, transparent) }
#rows .failed .t, #rows .failed time { color: var(--bad) }
.lane { stroke: var(--soft); stroke-width: 2 }
.lane.alive { stroke: var(--ink) } .lane.paused { stroke-dasharray: 2 4 } .lane.stopping { stroke-dasharray: 8 3 }
.lane.dead { stroke: none } .lane.unseen { stroke-width: 1; stroke-dasharray: 1 4 }
.band { fill-opacity: 0.36 }
.m { --stroke: var(--k); stroke-linecap: round; stroke-linejoin: round }
.line, .cross, .flight, .ring { stroke: var(--stroke); stroke-width: 1.7; fill: none }
.cross { stroke-width: 2.4 } .dot, .solid { fill: var(--stroke) } .ring { fill: var(--page) }
.k-dial .line, .k-dial-failed .line { stroke-dasharray: 5 4 }
.k-session .line, .k-session-ended .line { stroke-width: 4 }
.k-kill .cross, .k-ended .cross { stroke: var(--bad); stroke-width: 3 }
.flight { stroke-width: 1.4; marker-end: url(#head); pointer-events: none }
.flight.far { stroke-dasharray: 1 5 } .flight.again { stroke: var(--bad); stroke-width: 2.2; marker-end: url(#badhead) }
#head path { fill: var(--message) } #badhead path { fill: var(--bad) }
.number { font: 600 11px system-ui, sans-serif; fill: var(--ink); dominant-baseline: central }
.verdict { stroke: var(--bad); stroke-width: 2 } .held .verdict { stroke: var(--good) }
${families} .property { --k: var(--ink) }
${swatches}
${waits}
aside { position: sticky; top: 0; max-height: 100vh; overflow: auto; padding: 0 0 1rem }
aside h2 { margin-top: 0.5rem }
.states { border-collapse: collapse; width: 100%; font-size: 0.9em }
.states th, .states td { text-align: left; padding: 0.2rem 0.6rem 0.2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; font-weight: normal }
.states thead th { color: var(--soft); overflow-wrap: normal } .states td:last-child { overflow-wrap: normal } .states tbody th { font-weight: 600; min-width: 1.5rem }
#states .dead td { color: var(--bad) } #states .paused td, #states .stopping td { color: var(--warn) } #states .unseen td { color: var(--soft) }
#bands { list-style: none; padding: 0; margin: 0.3rem 0 } #bands li { padding: 0.15rem 0; display: flex; gap: 0.5rem } #bands li[hidden] { display: none }
.keys, .note { color: var(--soft); font-size: 0.87em }
kbd { border: 1px solid var(--line); border-radius: 0.25rem; padding: 0 0.3rem; font-size: 0.9em }
#last { max-height: 30rem; overflow: auto; background: var(--panel); border: 1px solid var(--line); border-radius: 0.3rem; padding: 0.7rem }
footer { padding-block: 1.5rem 2.5rem; color: var(--soft); font-size: 0.87em }
@media (max-width: 75rem) {
  .stage { grid-template-columns: minmax(0, 1fr) }
  .scroll { overflow-x: auto }
  .timeline { min-width: ${lanes * laneWidth + 420}px }
  .scroll .timeline thead th { position: static }
  aside { order: -1; position: static; max-height: none }
}
@media (forced-colors: active) { .lane, .line, .cross, .flight { stroke: CanvasText } }
@page { margin: 14mm 12mm }
@media print {
  :root { ${light} --page: #fff }
  body { font-size: 11px }
  .badge { background: none; color: var(--tone); border: 2px solid var(--tone) }
  header, main, footer { padding: 0; max-width: none }
  #filter, .keys { display: none }
  .stage { display: block }
  aside { position: static; max-height: none; overflow: visible; break-inside: avoid }
  .timeline thead th { position: static } .timeline tr { break-inside: avoid }
  #rows tr[aria-current] .what, #rows tr[aria-current] time { background: none }
  #last { max-height: none; overflow: visible; border: 0; padding: 0; background: none }
}
`
