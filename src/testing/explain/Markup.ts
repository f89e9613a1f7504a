/**
 * HTML and SVG as text in which nothing that was put in can become markup: `html` escapes every value but those that it
 * made itself.
 */
import { printable } from "./Printable.ts"

/** Finished markup. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = string | number | Markup | ReadonlyArray<Markup>

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/** For texts and for attributes in quotes. */
export const escape = (words: string): string => words.replace(/[&<>"']/g, (character) => entities[character] ?? "")

const written = (value: Value): string => {
  if (value instanceof Markup) return value.text
  if (typeof value === "string") return escape(printable(value))
  return typeof value === "number" ? String(value) : value.map(({ text }) => text).join("")
}

/** Markup around values: a text is escaped, a list of markup is joined. A line break in the markup itself is one space. */
export const html = (parts: TemplateStringsArray, ...values: ReadonlyArray<Value>): Markup =>
  new Markup(
    parts
      .map((part, index) => (index === 0 ? "" : written(values[index - 1] ?? "")) + part.replace(/\s*\n\s*/g, " "))
      .join("")
  )

/** An element whose content the browser takes as it is: a script, a style. */
export const verbatim = (start: string, content: Markup, end: string): Markup => new Markup(start + content.text + end)

export const nothing = new Markup("")

/** Texts with line ends between them. */
export const lines = (texts: ReadonlyArray<string>): Markup =>
  new Markup(texts.map((text) => html`${text}`.text).join("\n"))

/** A value for a script of the page, which reads it with `JSON.parse`. */
export const data = (value: unknown): Markup => new Markup(JSON.stringify(value).replaceAll("<", "\\u003c"))
