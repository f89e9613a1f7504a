/**
 * The secret half of a node's identity: an Ed25519 key pair grown from a 32-byte seed, and the X25519 pair that
 * libsodium derives from it for the secure channel.
 *
 * Nothing here prints: the secrets are `Redacted` from the moment they exist. Keep the seed as carefully.
 */
import { Redacted } from "effect"
import sodium from "sodium-native"
import * as NodeKey from "./NodeKey.ts"

/** Bytes in a seed. */
export const seedSize = 32

/** The X25519 pair that takes part in Noise handshakes. */
export interface LinkKeys {
  readonly publicKey: Uint8Array
  readonly secretKey: Redacted.Redacted<Uint8Array>
}

export interface NodeSecret {
  readonly key: NodeKey.NodeKey
  readonly linkKeys: LinkKeys
  /** The 64-byte Ed25519 secret key in libsodium's form. */
  readonly signingKey: Redacted.Redacted<Uint8Array>
}

/** The identity that belongs to a seed, always the same one. A seed of another length than 32 bytes throws. */
export const fromSeed = (seed: Uint8Array): NodeSecret => {
  const publicKey = new Uint8Array(32)
  const signingKey = new Uint8Array(64)
  sodium.crypto_sign_seed_keypair(publicKey, signingKey, seed)
  const linkPublic = new Uint8Array(32)
  const linkSecret = new Uint8Array(32)
  sodium.crypto_sign_ed25519_pk_to_curve25519(linkPublic, publicKey)
  sodium.crypto_sign_ed25519_sk_to_curve25519(linkSecret, signingKey)
  return {
    key: NodeKey.fromBytes(publicKey),
    linkKeys: { publicKey: linkPublic, secretKey: Redacted.make(linkSecret, { label: "link secret" }) },
    signingKey: Redacted.make(signingKey, { label: "signing secret" })
  }
}

/** The 64-byte Ed25519 signature of a message, of any length. */
export const sign = (secret: NodeSecret, message: Uint8Array): Uint8Array => {
  const signature = new Uint8Array(64)
  sodium.crypto_sign_detached(signature, message, Redacted.value(secret.signingKey))
  return signature
}

/**
 * Whether `signature` is this node's for `message`. False for anything malformed: a signature that is not 64 bytes,
 * a key that is no curve point.
 */
export const verify = (key: NodeKey.NodeKey, message: Uint8Array, signature: Uint8Array): boolean =>
  signature.length === 64 && sodium.crypto_sign_verify_detached(signature, message, NodeKey.toBytes(key))

/**
 * The X25519 key that a node with this key uses in handshakes, or undefined if the key is no usable curve point.
 *
 * Two Ed25519 keys, K and K with its sign bit flipped, share one X25519 key. Both have the same holder, so nobody can
 * pass for somebody else; but an identity is only known by its Ed25519 key, never by this one alone.
 */
export const linkPublicKey = (key: NodeKey.NodeKey): Uint8Array | undefined => {
  const converted = new Uint8Array(32)
  try {
    sodium.crypto_sign_ed25519_pk_to_curve25519(converted, NodeKey.toBytes(key))
    return converted
  } catch {
    return undefined
  }
}
