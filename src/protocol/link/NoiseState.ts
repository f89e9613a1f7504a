/**
 * The Noise handshake state of `noise-handshake` (25519, ChaChaPoly, BLAKE2b), held so that it can be trusted here:
 * the ephemeral secret is an argument, a weak key is told from a message that does not decrypt, and no buffer of the
 * caller is kept or changed. Which message carries what is the library's business; its HKDF alone is exchanged for a
 * faster one, and the published vectors run through both.
 */
import NoiseHandshake from "noise-handshake"
import sodium from "sodium-native"
import { hkdf } from "./Hkdf.ts"

export type Pattern = "XX" | "IK"

/** Bytes in a key, public or secret. */
export const keySize = 32
/** Bytes that sealing adds. */
export const tagSize = 16

/** Thrown by `write` and `read` if a Diffie-Hellman result is all zero. All else that `read` throws: undecipherable. */
export class WeakKey extends Error {}

/** What a finished handshake leaves: one key for each direction, and a hash that names this very handshake. */
export interface Split {
  readonly txKey: Uint8Array
  readonly rxKey: Uint8Array
  readonly hash: Uint8Array
}

export interface NoiseState {
  /** The next message of ours, with this payload. */
  readonly write: (payload: Uint8Array) => Uint8Array
  /** The payload of the peer's next message. */
  readonly read: (message: Uint8Array) => Uint8Array
  /** The peer's static key, as soon as a message carried it. */
  readonly remoteStatic: () => Uint8Array | undefined
  /** The keys, once the last message is written or read. */
  readonly split: () => Split
}

export interface Options {
  readonly pattern: Pattern
  readonly initiator: boolean
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
  /** 32 random bytes, never used twice. */
  readonly ephemeral: Uint8Array
  readonly prologue: Uint8Array
  /** The responder's static key: needed by the initiator of IK, not otherwise. */
  readonly remoteStatic?: Uint8Array | undefined
}

const dh = (publicKey: Uint8Array, own: { readonly secretKey: Uint8Array }): Uint8Array => {
  const shared = new Uint8Array(keySize)
  try {
    sodium.crypto_scalarmult(shared, own.secretKey, publicKey)
  } catch {
    throw new WeakKey()
  }
  if (sodium.sodium_is_zero(shared, keySize)) throw new WeakKey()
  return shared
}

const curve = {
  ALG: "25519",
  DHLEN: keySize,
  PKLEN: keySize,
  SKLEN: keySize,
  generateKeyPair: (): never => {
    throw new Error("every key of a handshake is given, none is generated")
  },
  dh
}

const nothing = new Uint8Array(0)

class Machine extends NoiseHandshake {
  /** The key of the cipher; the library wipes it in the end. */
  readonly #key = new Uint8Array(keySize)

  override mixKey(remoteKey: Uint8Array, localKey: { readonly secretKey: Uint8Array }): void {
    const shared = dh(remoteKey, localKey)
    hkdf(this.chainingKey, shared, this.chainingKey, this.#key)
    sodium.sodium_memzero(shared)
    this.initialiseKey(this.#key)
  }

  override split(): [Uint8Array, Uint8Array] {
    const keys: [Uint8Array, Uint8Array] = [new Uint8Array(keySize), new Uint8Array(keySize)]
    hkdf(this.chainingKey, nothing, ...keys)
    return keys
  }
}

/** A handshake about to begin. */
export const make = (options: Options): NoiseState => {
  const state = new Machine(
    options.pattern,
    options.initiator,
    { publicKey: options.publicKey, secretKey: options.secretKey },
    { curve }
  )
  // The library zeroes the ephemeral pair in the end, so it gets its own copy of the secret.
  const ephemeral = { publicKey: new Uint8Array(keySize), secretKey: new Uint8Array(options.ephemeral) }
  sodium.crypto_scalarmult_base(ephemeral.publicKey, ephemeral.secretKey)
  state.e = ephemeral
  state.initialise(options.prologue, options.remoteStatic)
  // Out of the pool that all small buffers share, before secrets are mixed into it.
  state.chainingKey = new Uint8Array(state.chainingKey)
  return {
    write: (payload) => state.send(payload),
    // A copy, because the library keeps a view of the peer's ephemeral key and zeroes it in the end.
    read: (message) => state.recv(new Uint8Array(message)),
    remoteStatic: () => state.rs ?? undefined,
    split: () => ({ txKey: state.tx, rxKey: state.rx, hash: new Uint8Array(state.hash) })
  }
}
