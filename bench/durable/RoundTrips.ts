/**
 * Counts how often this process asks its database something and waits: statements of the client, and, where a server
 * is asked over a socket, round trips, a run of writes up to the answer counting once.
 */
import { Socket } from "node:net"
import * as PostgresConnection from "../../src/layers/PostgresConnection.ts"

export interface Asked {
  readonly statements: number
  readonly roundTrips: number
}

let statements = 0
let roundTrips = 0

type Method = (this: PostgresConnection.Connection, sql: string, params: ReadonlyArray<unknown>) => unknown
const counted = (method: Method): Method =>
  function (sql, params) {
    statements++
    return Reflect.apply(method, this, [sql, params])
  }

const countStatements = (): void => {
  for (const name of [
    "execute",
    "executeUnprepared",
    "executeRaw",
    "executeValues",
    "executeValuesUnprepared"
  ] as const) {
    const method: Method = PostgresConnection.Connection.prototype[name]
    Object.defineProperty(PostgresConnection.Connection.prototype, name, { value: counted(method) })
  }
  const commit = Object.getOwnPropertyDescriptor(PostgresConnection.Connection.prototype, "commit")
  Object.defineProperty(PostgresConnection.Connection.prototype, "commit", {
    ...commit,
    get(this: PostgresConnection.Connection) {
      statements++
      return commit?.get?.call(this)
    }
  })
}

/** The sockets that wait for an answer. */
const waiting = new WeakSet<Socket>()

const countRoundTrips = (port: number): void => {
  const { push, write } = Socket.prototype
  Socket.prototype.write = function (this: Socket, ...args: ReadonlyArray<unknown>): boolean {
    if (this.remotePort === port && !waiting.has(this)) {
      waiting.add(this)
      roundTrips++
    }
    return Reflect.apply(write, this, args)
  }
  Socket.prototype.push = function (this: Socket, ...args: ReadonlyArray<unknown>): boolean {
    waiting.delete(this)
    return Reflect.apply(push, this, args)
  }
}

/** Counts from now on. `database` is the URL of the server, if it is one. */
export const count = (database: string | undefined): void => {
  countStatements()
  if (database !== undefined) countRoundTrips(Number(new URL(database).port))
}

export const asked = (): Asked => ({ statements, roundTrips })
