/**
 * What code takes for bytes while a test watches: from `Buffer` alone, which is the one way in which the decoders of a link get
 * memory, or in every way that there is.
 */

export interface Allocations {
  /** The largest single request since the last `forget`, in bytes. */
  largest: number
  /** All requests since the last `forget`, in bytes. */
  total: number
}

/** Runs `work` with an account of what it allocates. Not to be nested, nor to be used across an `await`. */
export const watching = <A>(work: (allocations: Allocations) => A): A => {
  const { allocUnsafe, allocUnsafeSlow } = Buffer
  const allocations: Allocations = { largest: 0, total: 0 }
  const counted = (allocate: (size: number) => Buffer<ArrayBuffer>) => (size: number) => {
    allocations.largest = Math.max(allocations.largest, size)
    allocations.total += size
    return allocate(size)
  }
  Buffer.allocUnsafe = counted(allocUnsafe)
  Buffer.allocUnsafeSlow = counted(allocUnsafeSlow)
  try {
    return work(allocations)
  } finally {
    Buffer.allocUnsafe = allocUnsafe
    Buffer.allocUnsafeSlow = allocUnsafeSlow
  }
}

export const forget = (allocations: Allocations): void => {
  allocations.largest = 0
  allocations.total = 0
}

/** How many bytes `Buffer.from` takes for this, at the most. */
const copied = (from: unknown): number => (typeof from === "string" || from instanceof Uint8Array ? from.length : 0)

type Constructor = new (...args: Array<never>) => unknown

/** As `watching`, with `Buffer.from`, `Buffer.alloc`, and arrays and typed arrays of a length as well; slower. */
export const watchingAll = <A>(work: (allocations: Allocations) => A): A => {
  const { alloc, from } = Buffer
  const { Array: list, Uint8Array: bytes } = globalThis
  return watching((allocations) => {
    const note = (size: number): void => {
      allocations.largest = Math.max(allocations.largest, size)
      allocations.total += size
    }
    const noting = <F extends (...args: Array<never>) => unknown>(run: F, size: (first: unknown) => number): F =>
      new Proxy(run, {
        apply: (target, self, args: ReadonlyArray<unknown>) => {
          note(size(args[0]))
          return Reflect.apply(target, self, args)
        }
      })
    Buffer.alloc = noting(alloc, Number)
    Buffer.from = noting(from, copied)
    const constructing = <C extends Constructor>(made: C, width: number): C =>
      new Proxy(made, {
        construct: (target, args: ReadonlyArray<unknown>, as) => {
          if (typeof args[0] === "number") note(width * args[0])
          return Reflect.construct(target, args, as)
        }
      })
    globalThis.Uint8Array = constructing(bytes, 1)
    globalThis.Array = constructing(list, 8)
    try {
      return work(allocations)
    } finally {
      Buffer.alloc = alloc
      Buffer.from = from
      globalThis.Uint8Array = bytes
      globalThis.Array = list
    }
  })
}
