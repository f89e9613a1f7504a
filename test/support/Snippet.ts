/**
 * Code that a document shows, together with what the document says it prints.
 *
 * Documentation that is run cannot grow untrue. Under a heading, the first `ts` block is the program and the first
 * `text` block after it is its output, in which `…` stands for any text within a line.
 */

/** A program and the lines that it must print. */
export interface Snippet {
  readonly code: string
  readonly output: ReadonlyArray<string>
}

interface Block {
  readonly language: string
  readonly text: string
}

/** The fenced blocks of the section that starts with this heading line and ends at the next one of its level. */
const blocksUnder = (markdown: string, heading: string): ReadonlyArray<Block> | undefined => {
  const level = /^#+/.exec(heading)?.[0].length ?? 0
  const blocks: Array<Block> = []
  let inside = false
  let seen = false
  let open: { readonly fence: string; readonly language: string; readonly lines: Array<string> } | undefined
  for (const line of markdown.split(/\r?\n/)) {
    const fence = /^(`{3,})\s*([\w-]*)/.exec(line)
    if (open !== undefined) {
      if (line.trim() === open.fence) {
        if (inside) blocks.push({ language: open.language, text: open.lines.join("\n") })
        open = undefined
      } else open.lines.push(line)
    } else if (fence !== null) open = { fence: fence[1]!, language: fence[2]!, lines: [] }
    else if (line.trim() === heading) inside = seen = true
    else if (inside && (/^#+(?=\s)/.exec(line)?.[0].length ?? Infinity) <= level) inside = false
  }
  return seen ? blocks : undefined
}

/** The program under a heading such as `## As a library`. Throws an error that says what the document lacks. */
export const snippetUnder = (markdown: string, heading: string): Snippet => {
  const blocks = blocksUnder(markdown, heading)
  if (blocks === undefined) throw new Error(`there is no heading "${heading}"`)
  const at = blocks.findIndex(({ language }) => language === "ts")
  if (at < 0) throw new Error(`there is no ts block under "${heading}"`)
  const output = blocks.slice(at + 1).find(({ language }) => language === "text")
  if (output === undefined) throw new Error(`no text block after the ts block under "${heading}" says what it prints`)
  return { code: `${blocks[at]!.text}\n`, output: output.text.split("\n") }
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)

/** Whether a line that was printed is the line that was announced. */
export const matches = (expected: string, actual: string): boolean =>
  new RegExp(`^${expected.split("…").map(escaped).join(".*")}$`).test(actual)
