/**
 * Bugs in who decides which connection is the session, and in who remembers it.
 */
import type { Mutant } from "./Mutant.ts"

const arbiter = "src/protocol/link/Arbiter.ts"
const registry = "src/services/link/Registry.ts"

export const arbitration: ReadonlyArray<Mutant> = [
  {
    name: "both-commit",
    what: "Both nodes of a pair give out sessions: the follower commits as well.",
    file: arbiter,
    find: `    case "Hello":
      return { state, actions: [] }`,
    replace: `    case "Hello":
      return decide(state, event.connection, event.claim)`,
    property: "nobody is accused",
    also: ["everyone is connected"],
    profile: "calm"
  },
  {
    name: "newest-wins",
    what: "A newer connection always takes the place of the session.",
    file: arbiter,
    find: `  return refuse(state, connection, "duplicate")`,
    replace: `  return commitNext(state, connection, claim)`,
    property: "calm stays calm",
    profile: "calm"
  },
  {
    name: "first-wins",
    what: "A restarted peer is refused as a duplicate for as long as nobody has noticed that its old session is dead.",
    file: arbiter,
    find: `if (claim.incarnation > known.incarnation) return commitNext(state, connection, claim)`,
    replace: `if (claim.incarnation > known.incarnation) return refuse(state, connection, "duplicate")`,
    property: "a returning peer is let in",
    profile: "crash"
  },
  {
    name: "holds-for-ever",
    what: "A node says that it still holds a session which it has lost.",
    file: arbiter,
    find: `holds: state.current !== undefined`,
    replace: `holds: state.highest > 0n`,
    property: "a returning peer is let in",
    profile: "network"
  },
  {
    name: "knows-too-early",
    what: "A refusal as a duplicate counts as knowing the session, although its COMMIT may still come on another connection.",
    file: arbiter,
    find: `const learns = event.alone && state.current === undefined`,
    replace: `const learns = state.current === undefined`,
    property: "a commit stands",
    profile: "network"
  },
  {
    name: "numbers-go-back",
    what: "An arbiter that has restarted numbers its sessions from 1, whatever its peer knows.",
    file: arbiter,
    find: `max(state.highest, claim.knows) + 1n`,
    replace: `max(state.highest, 0n) + 1n`,
    property: "a commit stands",
    profile: "crash"
  },
  {
    name: "follower-counts-itself",
    what: "The follower numbers sessions by its own count instead of the arbiter's.",
    file: arbiter,
    find: `activate(state, connection, claim, number, false)`,
    replace: `activate(state, connection, claim, state.highest + 1n, false)`,
    property: "sessions agree",
    profile: "crash"
  },
  {
    name: "registers-twice",
    what: "A session that is replaced is not closed: its peer is registered twice.",
    file: arbiter,
    find: `if (state.current !== undefined) actions.push(`,
    replace: `if (state.current?.connection === connection) actions.push(`,
    property: "one session per pair",
    profile: "crash"
  },
  {
    name: "leave-by-peer",
    what: "The end of any connection with a peer takes the peer's session off the list.",
    file: registry,
    find: `if (pair.live?.connection.id === id) pair.live = undefined`,
    replace: `pair.live = undefined`,
    property: "everyone is connected",
    profile: "calm"
  },
  {
    name: "member-never-leaves",
    what: "A connection that has ended counts as open, so that nobody dials its peer again.",
    file: registry,
    find: `pair.members = pair.members.filter(({ connection }) => connection.id !== id)`,
    replace: ``,
    property: "everyone is connected",
    profile: "network"
  },
  {
    name: "stale-handshake",
    what: "Every handshake uses the same ephemeral key: what was recorded once opens again.",
    file: "src/services/link/Handshaking.ts",
    find: `({ key, linkKeys, ephemeral })`,
    replace: `({ key, linkKeys, ephemeral: ephemeral.fill(9) })`,
    property: "a ghost changes nothing",
    also: ["nobody is accused", "a pong answers a ping"],
    profile: "network"
  }
]
