/**
 * Words from a file, made safe to print: what would move a cursor, colour a terminal, break a line or turn the reading
 * direction is shown as its code instead.
 */

const unsafe = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

export const printable = (words: string): string =>
  words.replace(unsafe, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)

/** As `printable`, with line ends and tabs as they are. */
export const printableLines = (words: string): string =>
  words
    .split(/\r?\n/)
    .map((line) => line.split("\t").map(printable).join("  "))
    .join("\n")
