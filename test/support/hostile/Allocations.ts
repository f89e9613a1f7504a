/**
 * What code takes from `Buffer` while a test watches: the one way in which the decoders of a link get memory for bytes.
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
