/**
 * bcoin's full node, which fetches blocks: all in memory, since it stores on disks with native code alone; on one thread, and with
 * nothing but errors in its log.
 */
import { freePort } from "../../test/support/FreePort.ts"
import * as JsLibrary from "../../test/support/interop/JsLibrary.ts"
import * as End from "../End.ts"
import type { BlocksEnd, Synced } from "./BlocksEnd.ts"

let opened: JsLibrary.JsNode | undefined

const functions = {
  open: async ({ from: { host, port: fromPort } }) => {
    const [port, rpcPort] = [await freePort(), await freePort()]
    const only = [`${host}:${fromPort}`]
    opened = JsLibrary.make({ library: "bcoin", kind: "FullNode", port, rpcPort, only, isQuiet: true })
    await opened.open()
  },
  sync: async (height) => {
    if (opened === undefined) throw new Error("the node is not open")
    const node = opened
    const synced = Promise.withResolvers<Synced>()
    const begin = performance.now()
    node.chain.on("connect", (entry) => {
      if (entry.height === height) synced.resolve({ millis: performance.now() - begin, id: entry.rhash() })
    })
    await node.connect()
    node.startSync()
    return await synced.promise
  }
} satisfies BlocksEnd
export type Functions = typeof functions

End.serve(functions)
