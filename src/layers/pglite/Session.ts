/**
 * A session of the driver with the embedded database: a stream that answers as a server's socket does, without TLS.
 *
 * The driver writes whole messages, and each answer is there before the write is done. A request to cancel a statement
 * is heard and does nothing, since none is running while another stream is served.
 */
import { Duplex } from "node:stream"

/** What a session needs of the database behind it. */
export interface Database {
  /** Makes the session the one session, from its start-up packet; the answer to that. */
  readonly begin: (session: Session, packet: Uint8Array) => Promise<Uint8Array>
  /** Runs whole messages to their end; the whole answer. Throws if this is not the one session, or the database died. */
  readonly run: (session: Session, messages: Uint8Array) => Uint8Array
  /** Runs `deliver` now or soon, in the order of the calls. */
  readonly paced: (deliver: () => void) => void
  /** The session is over; what it had open is rolled back. More than one call is one. */
  readonly end: (session: Session) => void
}

/** Codes in the first packet of a stream, in the place of a message's type. */
const startupVersion = 196_608
const tlsRequest = 80_877_103

/** The driver's side of one session: it writes whole messages, and reads the answer within the same call. */
export class Session extends Duplex {
  private readonly database: Database
  private started = false
  constructor(database: Database) {
    super({ allowHalfOpen: false })
    this.database = database
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (!this.started) return this.negotiate(chunk, done)
    // Terminate: what is left to do happens when the stream ends.
    if (chunk[0] === 0x58) return done()
    let answer: Uint8Array
    try {
      answer = this.database.run(this, chunk)
    } catch (cause) {
      return done(cause instanceof Error ? cause : new Error(String(cause)))
    }
    this.database.paced(() => {
      this.push(answer)
      done()
    })
  }
  private negotiate(chunk: Buffer, done: (error?: Error | null) => void): void {
    const request = chunk.readInt32BE(4)
    if (request === tlsRequest) {
      this.push("N")
      return done()
    }
    // A request to cancel a statement: none is ever running while another stream is served.
    if (request !== startupVersion) {
      this.push(null)
      return done()
    }
    this.database.begin(this, chunk).then(
      (answer) => {
        this.started = true
        this.push(answer)
        done()
      },
      (cause: unknown) => done(cause instanceof Error ? cause : new Error(String(cause)))
    )
  }
  override _final(done: () => void): void {
    this.database.end(this)
    this.push(null)
    done()
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.database.end(this)
    done(error)
  }
}
