/**
 * Signatures that a world has checked: many nodes, and those who watch them, check the same ones, and each check costs as much as dozens of
 * other steps. While it is in force, libsodium is asked once for the same bytes of signature, message and key, and its answer remembered.
 *
 * It keeps as many answers as it is told to, and forgets the oldest. Nothing else changes: whatever cannot be a signature goes to libsodium.
 */
import sodium from "sodium-native"

type Verify = typeof sodium.crypto_sign_verify_detached

const name = "crypto_sign_verify_detached"

/** Answers that are kept, of about 300 bytes each. */
const usual = 16_384

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")

export class CheckedOnce {
  readonly #most: number
  /** By the bytes of signature and key, whose lengths are always the same, and message. */
  readonly #answers = new Map<string, boolean>()
  #real: Verify | undefined

  /** `most`: answers that are kept. */
  constructor(most: number = usual) {
    this.#most = most
  }

  get size(): number {
    return this.#answers.size
  }

  /** From now on answers are remembered. */
  spread(): void {
    if (this.#real !== undefined) return
    this.#real = sodium.crypto_sign_verify_detached
    this.#put(this.#remembered(this.#real))
  }

  /** Everything is as it was; answers are kept for the next time. */
  lift(): void {
    if (this.#real === undefined) return
    this.#put(this.#real)
    this.#real = undefined
  }

  #put(value: Verify): void {
    Object.defineProperty(sodium, name, { configurable: true, enumerable: true, writable: true, value })
  }

  #remembered(real: Verify): Verify {
    return (signature, message, key) => {
      if (signature.length !== 64 || key.length !== 32) return real(signature, message, key)
      const bytes = textOf(signature) + textOf(key) + textOf(message)
      const known = this.#answers.get(bytes)
      if (known !== undefined) return known
      const answer = real(signature, message, key)
      this.#keep(bytes, answer)
      return answer
    }
  }

  #keep(bytes: string, answer: boolean): void {
    this.#answers.set(bytes, answer)
    if (this.#answers.size <= this.#most) return
    for (const oldest of this.#answers.keys()) {
      this.#answers.delete(oldest)
      return
    }
  }
}
