/**
 * The few functions of `sodium-native` that Holdfast calls. Outputs are written into the first argument; a call
 * that libsodium refuses throws. Nothing that this package exports mentions these types.
 */
declare module "sodium-native" {
  const sodium: {
    /** `c` is 16 bytes longer than `m` and may begin where `m` begins. */
    readonly crypto_aead_chacha20poly1305_ietf_encrypt: (
      c: Uint8Array,
      m: Uint8Array,
      ad: Uint8Array | null,
      nsec: null,
      npub: Uint8Array,
      k: Uint8Array
    ) => number
    /** Throws if `c` was not sealed under this key and nonce. */
    readonly crypto_aead_chacha20poly1305_ietf_decrypt: (
      m: Uint8Array,
      nsec: null,
      c: Uint8Array,
      ad: Uint8Array | null,
      npub: Uint8Array,
      k: Uint8Array
    ) => number
    /** Throws if the result would be all zero. */
    readonly crypto_scalarmult: (q: Uint8Array, n: Uint8Array, p: Uint8Array) => void
    readonly crypto_scalarmult_base: (q: Uint8Array, n: Uint8Array) => void
    readonly crypto_sign_seed_keypair: (pk: Uint8Array, sk: Uint8Array, seed: Uint8Array) => void
    readonly crypto_sign_detached: (sig: Uint8Array, m: Uint8Array, sk: Uint8Array) => void
    readonly crypto_sign_verify_detached: (sig: Uint8Array, m: Uint8Array, pk: Uint8Array) => boolean
    /** Throws if the key is no point of the main subgroup. */
    readonly crypto_sign_ed25519_pk_to_curve25519: (x25519pk: Uint8Array, ed25519pk: Uint8Array) => void
    readonly crypto_sign_ed25519_sk_to_curve25519: (x25519sk: Uint8Array, ed25519sk: Uint8Array) => void
    /** BLAKE2b; `output` has as many bytes as the hash is to have. */
    readonly crypto_generichash: (output: Uint8Array, input: Uint8Array, key?: Uint8Array) => void
    /** SHA-256 in 32 bytes; `output` may be `input`. */
    readonly crypto_hash_sha256: (output: Uint8Array, input: Uint8Array) => void
    readonly sodium_memzero: (buffer: Uint8Array) => void
    readonly sodium_is_zero: (buffer: Uint8Array, length: number) => boolean
  }
  export default sodium
}
