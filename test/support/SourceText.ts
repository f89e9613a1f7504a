/**
 * Reads TypeScript as text, far enough to see what a module imports and which names its code uses.
 *
 * A small scanner rather than a parser, so that type-only imports, which stripped or compiled code no
 * longer has, are seen too. It knows comments, strings, templates and regular expressions.
 */

/** One `import`, `export … from` or `import()` of a module. */
export interface Import {
  readonly specifier: string
  readonly line: number
  /** A static import is loaded before the module runs; a dynamic one is an `import()`; a type import is erased. */
  readonly kind: "static" | "dynamic" | "type"
  /** The text between the keyword and the specifier: the names. */
  readonly clause: string
}

const regexMayFollow =
  /(?:^|[=(,;:!&|?{}[*%<>~^]|(?<!\+)\+|(?<!-)-|\b(?:return|typeof|case|in|of|do|else|void|delete|throw|yield|await))$/

/**
 * The same text with comments, string contents, template texts and regular expressions replaced by blanks. Quotes
 * and line breaks stay, and every other character keeps its position.
 */
export const blank = (source: string): string => {
  const out = source.split("")
  /** One entry for each open template placeholder: the braces open inside it. */
  const placeholders: Array<number> = []

  const erase = (from: number, to: number): number => {
    for (let at = from; at < Math.min(to, out.length); at++) if (out[at] !== "\n") out[at] = " "
    return to
  }
  const until = (from: number, ends: (at: number) => boolean): number => {
    let at = from
    while (at < source.length && !ends(at)) at += source[at] === "\\" ? 2 : 1
    return Math.min(at, source.length)
  }
  const endOfLine = (at: number): boolean => source[at] === "\n"
  const template = (from: number): number => {
    const end = erase(
      from,
      until(from, (at) => source[at] === "`" || source.startsWith("${", at))
    )
    if (source[end] !== "$") return end + 1
    placeholders.push(0)
    return end + 2
  }
  const regex = (from: number): number => {
    let inClass = false
    return until(from, (at) => {
      if (source[at] === "[") inClass = true
      if (source[at] === "]") inClass = false
      return endOfLine(at) || (source[at] === "/" && !inClass)
    })
  }
  const before = (at: number): string => {
    let last = at
    while (last > 0 && /\s/.test(out[last - 1]!)) last--
    return out.slice(Math.max(0, last - 12), last).join("")
  }

  let at = 0
  while (at < source.length) {
    const char = source[at]!
    const inside = placeholders.length - 1
    if (source.startsWith("//", at)) at = erase(at, until(at, endOfLine))
    else if (source.startsWith("/*", at)) {
      const close = source.indexOf("*/", at + 2)
      at = erase(at, close < 0 ? source.length : close + 2)
    } else if (char === '"' || char === "'") {
      const open = at + 1
      at =
        erase(
          open,
          until(open, (end) => source[end] === char || endOfLine(end))
        ) + 1
    } else if (char === "`") at = template(at + 1)
    else if (char === "}" && placeholders[inside] === 0) {
      placeholders.pop()
      at = template(at + 1)
    } else if (char === "/" && regexMayFollow.test(before(at))) at = erase(at + 1, regex(at + 1)) + 1
    else {
      if (inside >= 0 && char === "{") placeholders[inside]!++
      if (inside >= 0 && char === "}") placeholders[inside]!--
      at++
    }
  }
  return out.join("")
}

/** The line of a position, counted from 1. */
export const lineAt = (source: string, position: number): number => source.slice(0, position).split("\n").length

/** How many lines a text has; a final line break does not begin another one. */
export const lineCount = (source: string): number =>
  source === "" ? 0 : source.split("\n").length - (source.endsWith("\n") ? 1 : 0)

const names = String.raw`(?:\{[^}]*\}|\*(?:\s*as\s+[\w$]+)?)`
const patterns: ReadonlyArray<RegExp> = [
  new RegExp(String.raw`(?<![.\w$])import\s*((?:type\s+)?(?:[\w$]+\s*,?\s*)?${names}?\s*\bfrom)\s*(["'])`, "g"),
  new RegExp(String.raw`(?<![.\w$])export\s*((?:type\s+)?${names}\s*from)\s*(["'])`, "g"),
  /(?<![.\w$])import\s*()(["'])/g,
  // A type written as `import("…").Name` looks like a call; to count it as one is the stricter reading.
  /(?<![.\w$])import\s*(\()\s*(["'])/g
]

const kindOf = (clause: string): Import["kind"] =>
  clause === "(" ? "dynamic" : /^type\s+(?!from$)/.test(clause) ? "type" : "static"

/** Everything that a module imports or re-exports, in the order of the text. */
export const imports = (source: string): ReadonlyArray<Import> => {
  const code = blank(source)
  return patterns
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .sort((a, b) => a.index - b.index)
    .map((match) => {
      const open = match.index + match[0].length
      const clause = match[1]!
      return {
        specifier: source.slice(open, code.indexOf(match[2]!, open)),
        line: lineAt(source, match.index),
        kind: kindOf(clause),
        clause
      }
    })
}
