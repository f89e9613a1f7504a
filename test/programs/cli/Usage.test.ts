/**
 * What `holdfast` says to arguments that it cannot use: what is wrong, what to write instead, and exit code 2. None of
 * these asks a node, and none prints the help in the place of an error.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { TestConsole } from "effect/testing"
import { run } from "../../../src/programs/cli/Holdfast.ts"
import { services } from "../../../src/programs/cli/CommandLine.ts"
import { ExitCode, foreseen } from "../../../src/programs/ExitCode.ts"

const key = "ab".repeat(32)
const nowhere = ["--data", "/nonexistent/holdfast"]

/** The failure of a command line that foresees it; nothing if it succeeds. */
const failure = (...words: ReadonlyArray<string>) =>
  run(words).pipe(
    Effect.provide(services),
    Effect.exit,
    Effect.map((exit) => (Exit.isFailure(exit) ? foreseen(exit.cause) : undefined))
  )

const refuses = (words: ReadonlyArray<string>, parts: ReadonlyArray<string>, code: number = ExitCode.usage) =>
  it.effect(words.map((word) => JSON.stringify(word)).join(" "), () =>
    Effect.gen(function* () {
      const said = yield* failure(...words)
      assert.strictEqual(said?.code, code, said?.message)
      for (const part of parts) assert.include(said?.message, part)
      assert.notMatch(said?.message ?? "", /Expected|Invalid value|GET \//)
      assert.deepStrictEqual(yield* TestConsole.logLines, [])
    })
  )

describe("a duration that is none is refused as the value of its flag", () => {
  refuses(["ban", "66", "--for", "-1h"], ["--for", '"-1h"', "give a duration", "1s"])
  refuses(["ban", "66", "--for=-1h"], ["--for", '"-1h"', "give a duration"])
  refuses(["ban", "--for", "-h1", "66"], ["--for", '"-h1"', "give a duration"])
  refuses(["ban", "66", "--for", "-5"], ["--for", '"-5"', "give a duration"])
  refuses(["ban", "66", "--for", ""], ["--for", '""', "give a duration"])
  refuses(["ban", "66", "--for", "0s"], ["--for", '"0s"', "from 1s"])
  refuses(["ban", "66", "--for", "99999999999d"], ["--for", "3650d"])
  refuses(["send", key, "hello", "--within", "-10m"], ["--within", '"-10m"', "give a duration"])
  refuses(["start", "--dial-timeout", "-1h"], ["--dial-timeout", '"-1h"', "give a duration"])
})

describe("a number that is none is refused as the value of its flag", () => {
  const values = ["-1", "-5x", "", " ", "0", "1001", "1.5", "1e2", "many", "NaN", "Infinity", "0x10"]
  for (const command of ["inbox", "outbox"])
    for (const value of values)
      refuses([command, "--limit", value], ["--limit", JSON.stringify(value), "give a whole number from 1 to 1000"])
  for (const value of ["-5x", "", "1.5", "many"]) {
    const words = ["sim", "run", "--seeds", "1", "--nodes", value]
    refuses(words, ["--nodes", JSON.stringify(value), "give a whole number"], ExitCode.simulation)
  }
  refuses(["start", "--in-flight", "4097"], ["--in-flight", '"4097"', "give a whole number from 1 to 4096"])
  refuses(["start", "--batch-messages", "0"], ["--batch-messages", '"0"', "from 1 to 1024"])
  refuses(["start", "--batch-bytes", "2MiB"], ["--batch-bytes", '"2MiB"', "give a size from 1KiB to 1MiB"])
  refuses(["start", "--park-after", "0"], ["--park-after", '"0"', "from 1 to 100"])
  refuses(["start", "--keep-ids-per-peer", "10"], ["--keep-ids-per-peer", "from 1000 to 100000000"])
  refuses(["start", "--keep-events", "30"], ["--keep-events", '"30"', "give a duration from 1h to 3650d"])
  refuses(["start", "--keep-ids", "1m"], ["--keep-ids", '"1m"', "from 1h to 3650d"])
  refuses(["start", "--sweep", "1ms"], ["--sweep", '"1ms"', "from 1s to 1h"])
  for (const value of ["-1", "-5x", "", "0", "99999"])
    refuses(["start", "--max-dials", value], ["--max-dials", "give a whole number from 1 to 256"])
})

describe("a text that is none is refused", () => {
  refuses(["ban", "66", "--reason", ""], ["--reason", "1 to 200 characters", "leave it out"])
  refuses(["ban", "66", "--reason", "   "], ["--reason", "one line"])
  refuses(["ban", "66", "--reason", "a\nb"], ["--reason", "one line"])
  refuses(["ban", "66", "--reason", "x".repeat(201)], ["--reason", "200"])
  refuses(["status", "--data", ""], ["--data", "give a folder"])
  refuses(["start", "--config", " "], ["--config", "give a file"])
  refuses(["events", "--after", ""], ["--after", "give a cursor"])
  refuses(["events", "--after", "-x1"], ["--after", '"-x1"', "give a cursor"])
  refuses(["outbox", "--after", "-1"], ["--after", "the id of a message"])
  refuses(["outbox", "retry", ""], ["<id>", "the id of a message", "holdfast outbox"])
  for (const act of ["retry", "drop"])
    refuses(["inbox", act, "x"], ["<id>", "the id of a message", "holdfast inbox parked"])
  refuses(["inbox", "parked", "--after", "x"], ["--after", "give a cursor"])
  refuses(["inbox", "parked", "--limit", "0"], ["--limit", "from 1 to 1000"])
  refuses(["send", key, ""], ["<text>", "1 to 65536 characters"])
})

describe("a peer that is none is refused: an empty text would be any", () => {
  for (const text of ["", " ", "xyz", `${key}0`, "66 "]) {
    for (const command of ["disconnect", "send"])
      refuses([command, text, ...(command === "send" ? ["hello"] : [])], ["<peer>", "64 hex digits", "holdfast peers"])
    refuses(["peers", "--transitions", text], ["--transitions", "64 hex digits"])
    refuses(["outbox", "--peer", text], ["--peer", "64 hex digits"])
  }
  refuses(["unban", "", ...nowhere], ['""', "give the key of a node"])
})

describe("whom nobody can ban is refused", () => {
  refuses(["ban", "fe80::1%eth0", ...nowhere], ["fe80::1%eth0", "without the zone"])
  refuses(["ban", "0.0.0.0", ...nowhere], ["0.0.0.0", "nobody"])
  refuses(["ban", "::", ...nowhere], ['"::"', "nobody"])
  refuses(["ban", "10.0.0.0/8", ...nowhere], ["10.0.0.0/8", "IP", "/64"])
})

describe("an address that is none is refused", () => {
  const to = (host: string) => ["connect", `holdfast://${key}@${host}:5`]
  refuses(to("999.999.1.1"), ["<address>", "999.999.1.1 is no IPv4 address"])
  refuses(to("[::1::2]"), ["<address>", "::1::2 is no IPv6 address"])
  refuses(to("a..b"), ["<address>", "empty"])
  refuses(["start", "--connect", `holdfast://${key}@1.2.3:5`], ["--connect", "1.2.3 is no IPv4 address"])
  refuses(["start", "--listen", "[localhost]:0"], ["--listen", "give host:port"])
  refuses(["start", "--advertise", "300.1.1.1:1"], ["--advertise", "give host:port"])
})

describe("what a command about Bitcoin cannot use", () => {
  const regtest = ["--network", "bsv-regtest"]
  refuses(["bitcoin", "ping", "--network", "bsv"], ["--network", '"bsv"', "bsv-main, bsv-test, bsv-stn, bsv-regtest"])
  refuses(["bitcoin", "ping", "--connect", "127.0.0.1"], ["--connect", "give host:port"])
  refuses(["bitcoin", "ping", "--count", "0"], ["--count", "from 1 to"])
  refuses(["bitcoin", "peers", "--timeout", "5"], ["--timeout", "give a duration"])
  refuses(["bitcoin", "watch", "--listen", "8333"], ["--listen", "give host:port"])
  refuses(["bitcoin", "header"], ["header", "did you mean headers?"])
  for (const command of ["ping", "peers", "headers", "watch"])
    refuses(["bitcoin", command, ...regtest], ["bsv-regtest", "--connect host:port"])
  refuses(["bitcoin", "peers", "--import", "peers.json"], ["--import", "--data <folder>"])
  refuses(["bitcoin", "headers", "--from", "1"], ["--from", "--data <folder>"])
  refuses(["bitcoin", "headers", "--from", "1", "--follow", ...nowhere], ["--from", "--follow"])
})

describe("what a command about the chain cannot use", () => {
  const init = ["chain", "init", "--id", "orders"]
  refuses(["chain", "init"], ["--id is missing", "holdfast chain init --id"])
  refuses(["chain", "init", "--id", "two words"], ["--id", '"two words"', "give 1 to 64 ASCII characters"])
  refuses([...init, "--producer", "me"], ["--producer", '"me"', "give the key of a node", "self"])
  refuses([...init, "--producer", "self", ...nowhere], ["/nonexistent/holdfast", "holdfast init"], ExitCode.folder)
  refuses([...init, "--interval", "5"], ["--interval", "give a duration"])
  refuses(["chain", "blocks", "--limit", "257"], ["--limit", "from 1 to 256"])
  refuses(["chain", "blocks", "--above", "-1"], ["--above", "give a whole number"])
  refuses(["chain", "submit", "--hex", "0"], ["--hex", "pairs of hex digits"])
  refuses(["chain", "submit", "two", "words"], ['"words"', "quotation marks", "holdfast chain submit"])
  refuses(["chain", "submit", "-dash"], ["-dash", "holdfast chain submit -- "])
  refuses(["chain", "sync", "--timeout", "1"], ["--timeout", "give a duration"])
  refuses(["start", "--chain", "/nonexistent/chain.json"], ["/nonexistent/chain.json", "holdfast chain init"])
  refuses(["start", "--produce"], ["produce", "--chain <file>"])
  refuses(["start", "--chain-keep", "0"], ["--chain-keep", "from 1 to"])
})

describe("what a command about credit cannot use", () => {
  refuses(["pay", "bob", "12,5"], ["<amount | invoice>", '"12,5"', "such as 12.5", "12500m", "holdfast chit list"])
  refuses(["pay", "bob", "0"], ["more than nothing"])
  refuses(["chit", "ask", "bob", "1.5m"], ["<amount>", '"1.5m"', "12500m"])
  refuses(["lift", "pay", "carol", "1"], ["<to>", '"carol"', "cuid:agent@host:port", "circle"])
  refuses(["user", "add", "a b"], ["<cuid>", '"a b"', "1 to 64 letters"])
  refuses(["user", "add", "alice", "--signs-with", "ab"], ["--signs-with", "64 lower-case hex digits"])
  refuses(["tally", "draft", "--user", "alice", "--limit", "-1"], ["--limit", '"-1"', "such as 12.5"])
  refuses(["tally", "draft", "--user", "alice", "--side", "left"], ["--side", '"left"', "stock, foil"])
  refuses(["tally", "draft", "--user", "alice"], ["--limit", "--partner-limit"])
  refuses(["tally", "set", "bob", "--user", "alice"], ["--target", "--bound"])
  refuses(["tally", "show", "hello", "--user", "alice"], ["is no invitation", "holdfast tally status"])
  refuses(["tally", "ticket", "bob", "--life", "5"], ["--life", "give a duration"])
  refuses(["lift", "show", "1"], ["<lift>", "holdfast lift list"])
  refuses(["pay", "bob", "1", "--key", ""], ["--key", "1 to 64 characters"])
  refuses(["start", "--credit-referees", "me"], ["--credit-referees", "KEY@host:port"])
  const two = ["a", "b"].flatMap((digit) => ["--credit-referees", `${digit.repeat(64)}@127.0.0.1:4001`])
  refuses(["start", ...two], ["creditReferees", "an odd number"])
  refuses(["start", "--credit-decides-for", "some"], ["--credit-decides-for", "nobody or everybody"])
  const both = ["nobody", "a".repeat(64)].flatMap((who) => ["--credit-decides-for", who])
  refuses(["start", ...both], ["creditDecidesFor", "nobody", "alone"])
  refuses(
    ["start", "--credit-address", "[::]:4001"],
    ["creditAddress", "[::]:4001", "every address", "others can dial"]
  )
})

describe("a word with a dash in front that is no flag", () => {
  refuses(["send", key, "-dash"], ["-dash", "behind two dashes", "holdfast send <peer> -- "])
  refuses(["send", key, "--dash it"], ["--dash it", "behind two dashes"])
  refuses(["send", key, "-x"], ["-x", "behind two dashes"])
  refuses(["peers", "-help"], ["there is no flag -help"])
  refuses(["outbox", "list", "-abc"], ["there is no flag -abc", "holdfast outbox list --help"])
  refuses(["sim", "run", "-shh"], ["there is no flag -shh"], ExitCode.simulation)
  it.effect("is a text behind two dashes, and the value of a flag that takes one", () =>
    Effect.gen(function* () {
      const withText = ["send", key, ...nowhere, "--", "-dash"]
      for (const words of [withText, ["ban", key, "--reason", "-dash", ...nowhere], ["send", key, "-5", ...nowhere]])
        assert.strictEqual((yield* failure(...words))?.tag, "NoNode", words.join(" "))
    })
  )
})

describe("something that is missing or too much is named", () => {
  refuses(["ban"], ["<key|ip> is missing", "give holdfast ban <key|ip>"])
  refuses(["ban", "66", "--for"], ["--for needs a value", "<duration>"])
  refuses(["ban", "66", "--for", "--json"], ["--for needs a value"])
  refuses(["ban", "66", "77"], ['"77"', "leave it out"])
  refuses(["send", key, "hello", "world"], ['"world"', "quotation marks"])
  refuses(["bans", "--json=maybe"], ["--json", '"maybe"', "true or false"])
  refuses(["completions", "sh"], ["<shell>", '"sh"', "bash, zsh, fish, powershell"])
  refuses(["peers", "--watc"], ["--watc", "did you mean --watch?"])
  refuses(["strat"], ["strat", "did you mean start?"])
})

describe("the help", () => {
  for (const words of [[], ["--help"], ["ban", "-h"], ["ban", "66", "--for", "-h"], ["send", key, "-h"]])
    it.effect(`is printed for ${JSON.stringify(words.join(" "))}`, () =>
      Effect.gen(function* () {
        assert.isUndefined(yield* failure(...words))
        assert.include((yield* TestConsole.logLines).join("\n"), "USAGE")
      })
    )
})

describe("an amount that is too great", () => {
  const greatest = "2305843009213693.951"
  refuses(["pay", "bob", "2305843009213694"], ["2305843009213694", greatest])
  refuses(["chit", "ask", "bob", "9999999999999999999999m"], [greatest])
  refuses(["tally", "draft", "--limit", "2305843009213693952m"], ["--limit", greatest])
})

describe("the help of all commands", () => {
  for (const words of [["--help"], ["start", "--help"]])
    it.effect(`says in its first lines that there is credit: ${words.join(" ")}`, () =>
      Effect.gen(function* () {
        assert.isUndefined(yield* failure(...words))
        const text = (yield* TestConsole.logLines).join("\n")
        assert.include(text.split("\n").slice(0, 4).join("\n"), "credit")
      })
    )
})
