/**
 * One running PGlite: whole messages of PostgreSQL's wire protocol in, the whole answer out, within one call.
 *
 * A statement runs to its end within the call that gives it. After an error of the engine itself the instance is dead
 * and throws that error from then on; an SQL error is part of the answer.
 */
import type { PGlite } from "@electric-sql/pglite"

/** The part of PGlite's runtime that the engine drives. */
interface Runtime {
  readonly wasmMemory: { readonly buffer: ArrayBuffer }
  readonly addFunction: (callback: (pointer: number, length: number) => number, signature: string) => number
  readonly stackSave: () => number
  readonly stackRestore: (pointer: number) => void
  readonly _pgl_set_rw_cbs: (read: number, write: number) => void
  readonly _pgl_getMyProcPort: () => number
  readonly _ProcessStartupPacket: (port: number, tlsDone: boolean, gssDone: boolean) => number
  readonly _pgl_sendConnData: () => void
  readonly _pgl_pq_flush: () => void
  readonly _pq_buffer_remaining_data: () => number
  readonly _PostgresMainLoopOnce: () => void
  readonly _PostgresMainLongJmp: () => void
  readonly _PostgresSendReadyForQueryIfNecessary: () => void
  readonly _IsTransactionBlock: () => number
}

/** The status with which the runtime leaves its main loop after an SQL error; any other exception is its end. */
const sqlErrorStatus = 100
const nothing = Buffer.alloc(0)

/**
 * One running PGlite instance.
 *
 * It drives PGlite's main loop itself instead of calling `execProtocolRaw`: that function parses every answer, copies
 * it three times, and loops for ever when the database process inside has ended.
 */
export class Instance {
  dead: Error | undefined
  private input: Uint8Array = nothing
  private offset = 0
  private output: Array<Uint8Array> = []
  private readonly runtime: Runtime
  readonly pg: PGlite
  constructor(pg: PGlite) {
    this.pg = pg
    const runtime: Runtime = pg.Module
    this.runtime = runtime
    let bytes = new Uint8Array(runtime.wasmMemory.buffer)
    /** The memory moves when it grows, which leaves the old view empty. */
    const memory = (): Uint8Array => (bytes.length === 0 ? (bytes = new Uint8Array(runtime.wasmMemory.buffer)) : bytes)
    const read = runtime.addFunction((pointer, length) => {
      const part = this.input.subarray(this.offset, this.offset + length)
      memory().set(part, pointer)
      this.offset += part.length
      return part.length
    }, "ipi")
    const write = runtime.addFunction((pointer, length) => {
      // A copy: this memory is written again before the driver reads the answer.
      this.output.push(memory().slice(pointer, pointer + length))
      return length
    }, "ipi")
    runtime._pgl_set_rw_cbs(read, write)
  }
  get inTransaction(): boolean {
    return this.runtime._IsTransactionBlock() !== 0
  }
  private answer(): Uint8Array {
    const [first, ...more] = this.output
    this.output = []
    this.input = nothing
    return first === undefined ? nothing : more.length === 0 ? first : Buffer.concat([first, ...more])
  }
  private feed(message: Uint8Array): void {
    if (this.dead !== undefined) throw this.dead
    this.input = message
    this.offset = 0
    this.output = []
  }
  start(packet: Uint8Array): Uint8Array {
    this.feed(packet)
    const runtime = this.runtime
    if (runtime._ProcessStartupPacket(runtime._pgl_getMyProcPort(), true, true) !== 0) {
      throw new Error("the start-up packet was refused")
    }
    runtime._pgl_sendConnData()
    runtime._pgl_pq_flush()
    return this.answer()
  }
  /** Runs whole wire messages to their end and returns the whole answer. Throws once the engine has died. */
  run(messages: Uint8Array): Uint8Array {
    this.feed(messages)
    const runtime = this.runtime
    try {
      while (this.offset < messages.length || runtime._pq_buffer_remaining_data() > 0) {
        const stack = runtime.stackSave()
        try {
          runtime._PostgresMainLoopOnce()
        } catch (cause) {
          runtime.stackRestore(stack)
          if (!(cause instanceof Object) || !("status" in cause) || cause.status !== sqlErrorStatus) throw cause
          runtime._PostgresMainLongJmp()
        }
      }
      runtime._PostgresSendReadyForQueryIfNecessary()
      runtime._pgl_pq_flush()
      return this.answer()
    } catch (cause) {
      this.dead = new Error("the embedded database stopped", { cause })
      throw this.dead
    }
  }
}
