/**
 * The alert: `FF FF | u8 code | u8 detail`, in place of a handshake message, from the side that breaks off
 * (docs/PROTOCOL.md, "Secure channel").
 *
 * It tells the other side's operator what is wrong instead of leaving a bare close. It is plaintext and proves
 * nothing. Its form is the same in every version, so that nodes of different versions can tell each other so.
 */
import type { NodeKey } from "../NodeKey.ts"
import { type NoiseFailed, PeerRefused, VersionUnsupported, WrongNode } from "./NoiseFailed.ts"

/** What takes the place of the length of a handshake message. */
export const marker = 0xffff
/** Bytes in an alert, with the marker. */
export const size = 4

export const Code = {
  /** Message 1 of IK cannot be decrypted: most likely it was made for another node's key. */
  WrongNode: 1,
  /** The detail is the version that the sender speaks. */
  Version: 2,
  /** The detail is the pattern refused. */
  Pattern: 3,
  /** A message is too long, or not as long as it must be. */
  Malformed: 4,
  /** A message cannot be decrypted. */
  Decryption: 5,
  /** A key is weak, or is not the one that its sender proved. */
  Key: 6
} as const

const encode = (code: number, detail = 0): Uint8Array => Uint8Array.of(0xff, 0xff, code, detail)

/** The alert that tells the peer about our failure, or undefined where it could not understand one. */
export const toPeer = (failure: NoiseFailed, forAnotherNode: boolean): Uint8Array | undefined => {
  switch (failure._tag) {
    case "VersionUnsupported":
      return encode(Code.Version, failure.ours)
    case "PatternUnsupported":
      return encode(Code.Pattern, failure.pattern)
    case "MessageOversized":
    case "MessageMalformed":
      return encode(Code.Malformed)
    case "DecryptionFailed":
      return encode(forAnotherNode ? Code.WrongNode : Code.Decryption)
    case "KeyWeak":
    case "KeyMismatch":
      return encode(Code.Key)
    case "NotHoldfast":
    case "KeyInvalid":
    case "WrongNode":
    case "PeerRefused":
      return undefined
  }
}

/** What the peer's alert means to us, who speak version `ours` and dialled `expected`, if we dialled a known key. */
export const fromPeer = (
  code: number,
  detail: number,
  ours: number,
  expected: NodeKey | undefined
): WrongNode | VersionUnsupported | PeerRefused => {
  if (code === Code.WrongNode && expected !== undefined) return new WrongNode({ expected })
  if (code === Code.Version && detail !== ours) return new VersionUnsupported({ ours, theirs: detail })
  return new PeerRefused({ code, detail })
}
