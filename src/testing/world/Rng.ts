/**
 * The random numbers of a simulated world: independent streams of one seed, each with a name, so that drawing more in
 * one place moves nothing anywhere else.
 *
 * Integers and tables only: no function of the engine that may differ between versions. Nothing here is a secret.
 */

/** The 128 bits that a text hashes to (cyrb128), as four numbers. */
const hash128 = (text: string): [number, number, number, number] => {
  let [a, b, c, d] = [1779033703, 3144134277, 1013904242, 2773480762]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = b ^ Math.imul(a ^ code, 597399067)
    b = c ^ Math.imul(b ^ code, 2869860233)
    c = d ^ Math.imul(c ^ code, 951274213)
    d = a ^ Math.imul(d ^ code, 2716044179)
  }
  a = Math.imul(c ^ (a >>> 18), 597399067)
  b = Math.imul(d ^ (b >>> 22), 2869860233)
  c = Math.imul(a ^ (c >>> 17), 951274213)
  d = Math.imul(b ^ (d >>> 19), 2716044179)
  return [a ^ b ^ c ^ d, b ^ a, c ^ a, d ^ a]
}

export class Rng {
  #a: number
  #b: number
  #c: number
  #counter: number

  /** The stream of this name that a seed has. */
  constructor(seed: string | number, label: string) {
    const [a, b, c, d] = hash128(`${seed}/${label}`)
    this.#a = a
    this.#b = b
    this.#c = c
    this.#counter = d
    for (let i = 0; i < 12; i++) this.u32()
  }

  /** 32 uniform bits (sfc32). */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** A double of 53 bits in [0, 1). */
  next(): number {
    return (this.u32() * 0x200000 + (this.u32() >>> 11)) / 0x20000000000000
  }

  /** An integer in [0, limit), for limits up to 2^53. */
  below(limit: number): number {
    return limit <= 0x100000000 ? Math.floor((this.u32() * limit) / 0x100000000) : Math.floor(this.next() * limit)
  }

  /** An integer in [least, most], both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** True this many times in a million. */
  chance(perMillion: number): boolean {
    return perMillion > 0 && this.below(1_000_000) < perMillion
  }

  pick<A>(options: readonly [A, ...Array<A>]): A
  pick<A>(options: ReadonlyArray<A>): A | undefined
  pick<A>(options: ReadonlyArray<A>): A | undefined {
    return options[this.below(options.length)]
  }

  /** The same things in a random order; a new array. */
  shuffle<A>(things: Iterable<A>): Array<A> {
    const shuffled = [...things]
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.below(last + 1)
      const moved = shuffled[last]!
      shuffled[last] = shuffled[other]!
      shuffled[other] = moved
    }
    return shuffled
  }

  /** Exponentially distributed with this mean, rounded down; von Neumann's way, which compares and never takes a logarithm. */
  exponential(mean: number): number {
    for (let whole = 0; ; whole++) {
      const first = this.next()
      let last = first
      for (let falling = 1; ; falling++) {
        const draw = this.next()
        if (draw < last) last = draw
        else if (falling % 2 === 1) return Math.floor((whole + first) * mean)
        else break
      }
    }
  }

  bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(size)
    for (let i = 0; i < size; i += 4) {
      const word = this.u32()
      bytes[i] = word
      if (i + 1 < size) bytes[i + 1] = word >>> 8
      if (i + 2 < size) bytes[i + 2] = word >>> 16
      if (i + 3 < size) bytes[i + 3] = word >>> 24
    }
    return bytes
  }
}
