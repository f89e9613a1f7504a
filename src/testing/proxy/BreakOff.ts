import type * as Net from "node:net"

/** Resets a socket; where no connection is yet there is nothing to reset. */
export const breakOff = (socket: Net.Socket): void => {
  if (socket.connecting) socket.destroy()
  else if (!socket.destroyed) socket.resetAndDestroy()
}
