/**
 * What the page does by itself: a cursor that keys and clicks move, the states of the nodes at it, and a filter after
 * which the rows, the waits between them and the arrows across them are laid out anew. Without it the page is complete
 * and stands still.
 *
 * It only sets texts and attributes, never markup.
 */
export const pageScript = `"use strict"
const byId = (id) => document.getElementById(id)
const facts = JSON.parse(byId("facts").textContent)
const { layout } = facts
const rows = facts.rows.map(([at, kind, lanes, sent, from, to], index) => {
  const element = byId("e" + index)
  return { at, kind, lanes, sent, from, to, index, element, flight: element.querySelector(".flight"), shown: true, bottom: 0, nth: 0 }
})

// Layout: as PageLayout and RowDrawing do it for all rows.
const place = () => {
  let last
  let bottom = 0
  let nth = 0
  for (const row of rows) {
    row.element.hidden = !row.shown
    if (!row.shown) continue
    const micros = last === undefined ? 0 : row.at - last.at
    const wait = layout.waits.findLastIndex(({ from }) => micros >= from)
    row.element.classList.remove("w0", "w1", "w2", "w3")
    row.element.classList.add("w" + wait)
    row.element.querySelector(".wait").textContent = wait < layout.written ? "" : "⋯ " + Number((micros / 1e6).toPrecision(3)) + " s"
    bottom += layout.row + layout.waits[wait].height
    row.bottom = bottom
    row.nth = nth++
    last = row
  }
  for (const row of rows) {
    if (!row.shown || row.flight === null) continue
    const sent = rows[row.sent]
    const near = sent !== undefined && sent.shown && row.nth - sent.nth <= layout.longest
    row.flight.classList.toggle("far", !near)
    row.flight.setAttribute("d", "M" + row.from + " " + (near ? sent.bottom - row.bottom : 0) + "L" + (row.to - Math.sign(row.to - row.from) * 4) + " 0")
  }
  byId("shown").textContent = nth + " of " + rows.length + " events"
}

// The cursor, and what the nodes are at it.
let cursor = rows[facts.end]
const stateAt = (lane, index) => facts.states[lane].findLast(([from]) => from <= index)
const tell = () => {
  byId("moment").textContent = cursor.element.querySelector("time").textContent + " s"
  for (const [lane, line] of [...byId("states").rows].entries()) {
    const [, process, ...parts] = stateAt(lane, cursor.index)
    line.className = process
    parts.forEach((part, column) => { line.cells[column + 1].textContent = part })
  }
  for (const [index, line] of [...byId("bands").children].entries()) {
    const [first, last] = facts.bands[index]
    line.hidden = cursor.index < first || cursor.index > last
  }
  byId("calm").hidden = facts.bands.some(([first, last]) => cursor.index >= first && cursor.index <= last)
}
const go = (row, focus) => {
  if (row === undefined) return
  cursor.element.removeAttribute("aria-current")
  cursor.element.tabIndex = -1
  cursor = row
  row.element.setAttribute("aria-current", "true")
  row.element.tabIndex = 0
  if (focus) {
    row.element.focus({ preventScroll: true })
    row.element.scrollIntoView({ block: "nearest" })
  }
  tell()
}
const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 20, PageUp: -20, Home: -1e9, End: 1e9 }
byId("rows").addEventListener("keydown", (event) => {
  const step = steps[event.key]
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  const shown = rows.filter((row) => row.shown)
  const here = shown.indexOf(cursor)
  go(shown[Math.max(0, Math.min(shown.length - 1, here + step))], true)
})
byId("rows").addEventListener("click", (event) => {
  const element = event.target.closest("tr")
  if (element !== null && event.target.closest("a") === null) go(rows[Number(element.id.slice(1))], true)
})

// The filter: by the nodes that an event concerns, and by its kind.
const boxes = (name) => [...document.querySelectorAll("input[name=" + name + "]")]
const filter = () => {
  const nodes = boxes("node").map((box) => box.checked)
  const kinds = boxes("kind").map((box) => box.checked)
  for (const row of rows) row.shown = kinds[row.kind] && (row.lanes.length === 0 || row.lanes.some((lane) => nodes[lane]))
  place()
  if (!cursor.shown) go(rows.findLast((row) => row.shown && row.index < cursor.index) ?? rows.find((row) => row.shown), false)
}
byId("filter").addEventListener("change", filter)
byId("filter").addEventListener("click", (event) => {
  const { all, none } = event.target.dataset
  if (all === undefined && none === undefined) return
  for (const box of boxes(all ?? none)) box.checked = all !== undefined
  filter()
})
byId("filter").addEventListener("submit", (event) => event.preventDefault())

const follow = () => {
  const row = rows[/^#e[0-9]+$/.test(location.hash) ? Number(location.hash.slice(2)) : -1]
  if (row === undefined) return
  if (!row.shown) {
    for (const box of [...boxes("node"), ...boxes("kind")]) box.checked = true
    filter()
  }
  go(row, true)
}
addEventListener("hashchange", follow)
document.body.classList.add("live")
// A browser may have kept the boxes as they were.
filter()
go(cursor, false)
follow()
`
