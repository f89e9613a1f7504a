/**
 * The names of what is in a node's data folder.
 */
export const files = {
  /** Settings, see `Settings.ts`. */
  config: "holdfast.json",
  /** The embedded database, a folder. */
  database: "database",
  identity: "identity.json",
  /** The secret that the keys of credit's users grow from. */
  keyring: "keyring.json",
  /** Where the API of the running node listens; there while it does. */
  api: "api.json",
  token: "api.token"
} as const
