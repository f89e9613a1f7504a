/**
 * The settings of the chain that a node keeps, if it keeps one.
 */
import * as Value from "../SettingValue.ts"
import { optional, required } from "./Setting.ts"

export const chainSettings = {
  chain: optional("chain", Value.text("the path of a file", 4_096), {
    metavar: "<file>",
    about: "Keep the chain that this file configures, which holdfast chain init makes; no chain without it"
  }),
  produce: required("produce", Value.flag, "false", {
    metavar: "",
    about: "Make blocks of the chain when it is this node's turn"
  }),
  chainKeep: optional("chain-keep", Value.count(1, 1_000_000_000), {
    metavar: "<n>",
    about: "Blocks below the tip of the chain whose items are kept (default all); headers are kept always"
  })
} as const
