/**
 * What people are told when a user is added, for the first time or again. Pure.
 */
import type { Certificate } from "../../protocol/credit/Certificate.ts"
import * as Chad from "../../protocol/credit/Chad.ts"
import { printable } from "../cli/Table.ts"

const named = ({ name }: Certificate): string => `"${printable(name)}"`

/** What a user tells otherwise than before. */
const changes = (before: Certificate, now: Certificate): ReadonlyArray<string> => [
  ...(before.name === now.name ? [] : [`their name ${named(before)} is now ${named(now)}`]),
  ...(before.type === now.type ? [] : [`the ${before.type} is now ${now.type}`]),
  ...(Chad.format(before.chad) === Chad.format(now.chad) ? [] : [`their address was ${Chad.format(before.chad)}`])
]

/** `before`: what the user told until now; nothing where the user is new. */
export const added = (before: Certificate | undefined, now: Certificate): string => {
  const { chad, type } = now
  const address = `Their address: ${Chad.format(chad)}`
  if (before === undefined) return `${chad.cuid} is a user of this node. ${address}`
  const all = changes(before, now)
  const already = `${chad.cuid} is a user of this node already`
  if (all.length > 0)
    return `${already}, and tells something else now: ${all.join("; ")}. Open tallies keep what they say. ${address}`
  const how = `To change it: holdfast user add ${chad.cuid} --name <text> --type <type>`
  return `${already}, a ${type} of the name ${named(now)}: nothing has changed. ${how}. ${address}`
}
