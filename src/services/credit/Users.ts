/**
 * The users of this node: what each tells of themselves, and what signs for them.
 */
import { Clock, Effect } from "effect"
import { type Action, unfit } from "../../protocol/credit/Action.ts"
import type { Digest } from "../../protocol/credit/Canonical.ts"
import type { Certificate } from "../../protocol/credit/Certificate.ts"
import type { Cuid } from "../../protocol/credit/Chad.ts"
import { type Purpose, type Signature, signWith, type UserKey } from "../../protocol/credit/Signature.ts"
import { Identity } from "../link/Identity.ts"
import { Records } from "../Records.ts"
import { acting, refusing } from "./Answer.ts"
import * as Tables from "./CreditTables.ts"
import { Keyring } from "./Keyring.ts"

/** Certificates that a user has told before and that are remembered. */
const mostFormer = 16

/** What a user tells. Without a key of their own this node signs for them. */
export interface Profile extends Omit<Certificate, "date" | "chad" | "public"> {
  readonly key?: UserKey
}

/** Where this node can be reached, as certificates say. */
export interface Place {
  readonly host: string
  readonly port: number
}

const told = (user: Cuid, kind: string): Action => ({ _tag: "Tell", user, subject: user, kind, body: { user } })

/** Makes a user, or changes what they tell. A key never changes: whoever loses theirs is somebody else. */
export const put = Effect.fnUntraced(function* (cuid: Cuid, { key, ...profile }: Profile, place: Place) {
  const records = yield* Records
  const { key: agent } = yield* Identity
  yield* records.claim(`credit user ${cuid}`)
  const known = yield* records.get(Tables.users, [cuid])
  const own = key ?? (yield* Keyring).keyOf(cuid)
  if (known !== undefined && known.certificate.public !== own) {
    return refusing(unfit("refused", "other-key", `the user ${cuid} signs with another key`))
  }
  const date = yield* Clock.currentTimeMillis
  const certificate: Certificate = { ...profile, date, public: own, chad: { cuid, agent, ...place } }
  const former = known === undefined ? [] : [known.certificate, ...known.former].slice(0, mostFormer)
  yield* records.put(Tables.users, { certificate, former, isKept: key === undefined })
  return acting([told(cuid, known === undefined ? "user.added" : "user.changed")])
})

export const get = Effect.fnUntraced(function* (cuid: Cuid) {
  return yield* (yield* Records).get(Tables.users, [cuid])
})

/** All that a user has told of themselves, the newest first; nothing of a stranger. */
export const certificates = Effect.fnUntraced(function* (cuid: Cuid) {
  const user = yield* get(cuid)
  return user === undefined ? [] : [user.certificate, ...user.former]
})

/** A user's signature, of those for whom this node signs; of others what they have brought, if they have. */
export const sign = Effect.fnUntraced(function* (
  { certificate, isKept }: Tables.User,
  purpose: Purpose,
  digest: Digest,
  brought: Signature | undefined
) {
  if (!isKept || brought !== undefined) return brought
  const keyring = yield* Keyring
  return signWith((message) => keyring.sign(certificate.chad.cuid, message), purpose, digest)
})
