/** One object and one number for each content, so that contents are compared by identity and named shortly. */
export class Interned<A extends object> {
  readonly #values = new Map<string, A>()
  readonly #numbers = new Map<A, number>()

  same(value: A): A {
    if (this.#numbers.has(value)) return value
    const key = text(value)
    const known = this.#values.get(key)
    if (known !== undefined) return known
    this.#values.set(key, value)
    this.#numbers.set(value, this.#numbers.size)
    return value
  }

  number(value: A): number {
    const known = this.#numbers.get(value)
    if (known === undefined) throw new Error("it was never made the same")
    return known
  }
}

/** The keys in one order, whoever has made the object. */
const text = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return `${part}n`
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([one], [two]) => (one < two ? -1 : 1)))
  })
