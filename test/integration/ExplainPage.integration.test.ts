/**
 * The page of a failure in a real browser: what a reader sees of it, and what its script does.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Locator } from "playwright-core"
import { explain } from "../../src/testing/explain/FailurePage.ts"
import * as Browser from "../support/Browser.ts"
import * as Synthetic from "../support/SyntheticFailure.ts"

const file = Synthetic.make()
const html = explain(file)

/** A test with a page open in a browser of its own, which must have nothing to complain of. */
const withPage = (name: string, markup: string, use: (opened: Browser.Opened) => Promise<void>) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const opened = yield* Browser.open(markup)
      yield* Effect.promise(() => use(opened))
      assert.deepStrictEqual(opened.complaints, [])
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

const boxOf = async (locator: Locator) => {
  const box = await locator.boundingBox()
  if (box === null) throw new Error("it is not visible")
  return { ...box, right: box.x + box.width, bottom: box.y + box.height }
}

const rowOf = (kind: string): number => file.trace.findIndex((event) => event.kind === kind)

/** The message that is followed: one that takes effect after a wait that makes a row higher. */
const [sent, effect] = (() => {
  for (const [sent, { detail, kind, node }] of file.trace.entries()) {
    if (kind !== "sent") continue
    const effect = file.trace.findIndex(
      (event) => event.kind === "effect" && event.detail["id"] === detail["id"] && event.detail["from"] === node
    )
    const between = file.trace.slice(sent, effect + 1)
    if (between.some(({ at }, index) => index > 0 && at - between[index - 1]!.at >= 10_000)) return [sent, effect]
  }
  throw new Error("every message takes effect at once")
})()

/** An arrow ends at the lines of the two rows, and reaches from lane to lane. */
const assertFlight = async ({ page }: Browser.Opened) => {
  const [from, to] = [file.trace[effect]!.detail["from"], file.trace[effect]!.node]
  const lane = async (name: unknown) => {
    const { right, x } = await boxOf(page.locator(`.names span[title="${String(name)}"]`))
    return (x + right) / 2
  }
  const arrow = await boxOf(page.locator(`#e${effect} .flight`))
  const [above, below] = [await boxOf(page.locator(`#e${sent}`)), await boxOf(page.locator(`#e${effect}`))]
  assert.closeTo(arrow.y, above.bottom - 11, 1)
  // The head of the arrow reaches a little beyond its end.
  assert.closeTo(arrow.bottom, below.bottom - 11, 6)
  const [left, right] = [await lane(from), await lane(to)].sort((a, b) => a - b)
  assert.closeTo(arrow.x, left!, 6)
  assert.closeTo(arrow.right, right!, 6)
}

describe("the page of a failure in a browser", () => {
  withPage("has a lane for each node, a row for each event and arrows between the lanes", html, async (opened) => {
    const { page } = opened
    assert.deepStrictEqual(await page.locator(".names span").allTextContents(), ["a", "b", "c"])
    assert.strictEqual(await page.locator("#rows tr:visible").count(), file.trace.length)
    const arrows = file.trace.filter(({ kind }) => kind === "frame").length
    assert.strictEqual(await page.locator("#rows .k-frame .line").count(), arrows)
    assert.strictEqual(
      await page.locator("#rows .k-effect .flight").count(),
      file.trace.filter(({ kind }) => kind === "effect").length
    )
    await assertFlight(opened)
    // Without gaps between the rows, so that the lanes are lines.
    const [first, second] = [await boxOf(page.locator("#e20 svg")), await boxOf(page.locator("#e21 svg"))]
    assert.closeTo(first.bottom, second.y, 0.1)
    assert.strictEqual(
      await page.locator("#shown").textContent(),
      `${file.trace.length} of ${file.trace.length} events`
    )
  })

  withPage("leaves out what is filtered, and draws the rest anew", html, async (opened) => {
    const { page } = opened
    const shown = page.locator("#rows tr:visible")
    const total = file.trace.length
    const frames = file.trace.filter(({ kind }) => kind === "frame").length
    const before = await boxOf(page.locator(`#e${effect} .flight`))
    await page.getByRole("checkbox", { name: "frame" }).uncheck()
    assert.strictEqual(await shown.count(), total - frames)
    assert.strictEqual(await page.locator("#shown").textContent(), `${total - frames} of ${total} events`)
    await assertFlight(opened)
    assert.isBelow((await boxOf(page.locator(`#e${effect} .flight`))).height, before.height)

    // With its sending out of sight, an arrow is level.
    await page.getByRole("checkbox", { name: "sent" }).uncheck()
    assert.isBelow((await boxOf(page.locator(`#e${effect} .flight`))).height, 12)

    await page.getByRole("group", { name: "Events" }).getByRole("button", { name: "all" }).click()
    await page.getByRole("group", { name: "Nodes" }).getByRole("button", { name: "none" }).click()
    const world = file.trace.filter(({ node }) => node === "").length
    assert.strictEqual(await shown.count(), world)
    await page.getByRole("checkbox", { name: "a", exact: true }).check()
    const concerned = file.trace.filter(({ detail, node }) =>
      [node, detail["to"], detail["from"], detail["peer"], detail["with"]].includes("a")
    )
    assert.strictEqual(await shown.count(), world + concerned.length)
  })

  withPage("tells what the nodes are at the cursor, which keys and clicks move", html, async ({ page }) => {
    const current = page.locator("#rows tr[aria-current]")
    const states = page.locator("#states tr")
    const bands = page.locator("#bands li:visible")
    assert.strictEqual(await current.getAttribute("id"), `e${file.trace.length - 1}`)

    const kill = rowOf("kill")
    await page.locator(`#e${kill} .what`).click()
    assert.deepStrictEqual(await states.nth(1).locator("td").allTextContents(), [
      "dead, life 1",
      "none",
      "nothing",
      "9"
    ])
    assert.deepStrictEqual(await bands.allTextContents(), [
      "1partition for 2 s: isolate a",
      "2kill b for 900 ms with rst"
    ])

    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("k")
    assert.strictEqual(await current.getAttribute("id"), `e${kill - 2}`)
    assert.strictEqual(await states.nth(1).locator("td").first().textContent(), "alive, life 1")
    await page.keyboard.press("Home")
    assert.strictEqual(await current.getAttribute("id"), "e0")
    assert.isTrue(await page.locator("#calm").isVisible())
    await page.keyboard.press("End")
    assert.strictEqual(await current.getAttribute("id"), `e${file.trace.length - 1}`)
    assert.isTrue(await current.evaluate((row) => row.ownerDocument.activeElement === row))
  })

  withPage(
    "leads from a message to where it was sent, and to the failure, through the filter",
    html,
    async ({ page }) => {
      const current = page.locator("#rows tr[aria-current]")
      await page.getByRole("checkbox", { name: "sent" }).uncheck()
      await page.locator(`#e${effect} a`).click()
      assert.strictEqual(await current.getAttribute("id"), `e${sent}`)
      assert.isTrue(await page.getByRole("checkbox", { name: "sent" }).isChecked())
      await page.getByRole("link", { name: "Go to that moment" }).click()
      assert.match((await current.textContent()) ?? "", /✖ violated: one effect for each message/)
    }
  )

  withPage("is dark where readers want it, and on paper without its controls", html, async ({ page }) => {
    const background = () =>
      page.locator("body").evaluate((body) => body.ownerDocument.defaultView?.getComputedStyle(body).backgroundColor)
    const light = await background()
    await page.emulateMedia({ colorScheme: "dark" })
    assert.notStrictEqual(await background(), light)
    await page.emulateMedia({ media: "print" })
    assert.isFalse(await page.locator("#filter").isVisible())
    assert.isTrue(await page.locator("#e0").isVisible())
    assert.isAbove((await page.pdf({ format: "A4" })).length, 10_000)
  })

  withPage("fits a narrow window without scrolling sideways as a whole", html, async ({ page }) => {
    await page.setViewportSize({ width: 420, height: 800 })
    const width = await page.locator("body").evaluate((body) => body.scrollWidth)
    assert.isAtMost(width, 420)
  })

  const evil = `</script></style>"'><img src=x onerror=alert(1)><script>alert(1)</script>`
  const hostile = explain({
    ...Synthetic.ofTrace(
      Synthetic.inOrder([
        { node: evil, kind: evil, detail: { [evil]: evil } },
        { node: evil, kind: "frame", detail: { kind: evil, to: evil, bytes: evil } },
        { node: evil, kind: "session", detail: { peer: evil, number: evil } }
      ]),
      { _tag: "Unsafe", property: evil, detail: evil }
    ),
    scenario: evil,
    commit: evil
  })
  withPage("runs nothing that is in the file", hostile, async ({ page }) => {
    assert.strictEqual(await page.locator("img").count(), 0)
    assert.strictEqual(await page.locator("script").count(), 2)
    assert.include(await page.locator("#e0 .what").textContent(), evil)
    await page.keyboard.press("Tab")
    await page.locator("#e2 .what").click()
    assert.include(await page.locator("#states tr").last().textContent(), evil)
  })
})

describe("a missing browser", () => {
  it("is reported with what to install", () => {
    assert.throws(() => Browser.find({ PATH: "/nowhere" }), /apt-get install -y chromium/)
    assert.throws(
      () => Browser.find({ HOLDFAST_TEST_CHROMIUM: "/nowhere/c" }),
      /HOLDFAST_TEST_CHROMIUM names \/nowhere\/c/
    )
  })
})
