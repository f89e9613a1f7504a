import { expect, test } from "vitest"
import { otherSuite } from "../../bench/servers/Debian.ts"

const stanzas = `Types: deb
# as it was
URIs: http://example.org/security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg
`

test("another release comes from the same place with the same keys", () => {
  expect(otherSuite(stanzas, "trixie")).toBe(
    "Types: deb\nURIs: http://example.org/debian\nSuites: trixie\nComponents: main\nSigned-By: /usr/share/keyrings/debian.gpg\n"
  )
})

test("lists of one line a source are understood as well", () => {
  const lines = `# a comment
deb http://example.org/security bookworm-security main
deb [signed-by=/usr/share/keyrings/debian.gpg] http://example.org/debian bookworm main contrib
`
  expect(otherSuite(lines, "trixie")).toBe(
    "deb [signed-by=/usr/share/keyrings/debian.gpg] http://example.org/debian trixie main\n"
  )
})

test("what is no source of Debian's main packages is none", () => {
  expect(otherSuite("deb https://example.org/tools stable extra\n", "trixie")).toBeUndefined()
  expect(otherSuite("", "trixie")).toBeUndefined()
})
