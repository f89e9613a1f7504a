/**
 * The second yardstick: `node:tls` 1.3, both sides with a P-256 certificate, nothing resumed. The dialled side's
 * certificate is known beforehand, as a node's key is; the other one is asked for and checked by its own signature.
 */
import { once } from "node:events"
import * as tls from "node:tls"
import * as ByteLine from "./ByteLine.ts"
import * as Certificate from "./Certificate.ts"
import type { Contender } from "./Line.ts"
import { listening } from "./NetLine.ts"

const version = { minVersion: "TLSv1.3", maxVersion: "TLSv1.3" } as const

export const contender: Contender = {
  listen: async (count) => {
    const own = Certificate.selfSigned("listener")
    // Nobody vouches for the dialler's key; that it has signed the handshake with it is what matters.
    const options = { ...own, ...version, requestCert: true, rejectUnauthorized: false, noDelay: true }
    const server = tls.createServer(options, (socket) => {
      if (socket.getPeerX509Certificate() === undefined) return void socket.destroy()
      ByteLine.answerDuplex(socket, count)
    })
    return { ...(await listening(server)), key: own.cert }
  },
  dialler: async () => {
    const own = Certificate.selfSigned("dialler")
    return async ({ host, key, port }) => {
      const options = { ...own, ...version, host, port, ca: key, checkServerIdentity: () => undefined }
      const socket = tls.connect(options)
      socket.setNoDelay(true)
      await once(socket, "secureConnect")
      return ByteLine.ask(ByteLine.ofDuplex(socket))
    }
  }
}
