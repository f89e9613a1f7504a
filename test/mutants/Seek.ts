/**
 * Looks for a seed that breaks the property which has to find the planted bug that `MUTANT` names, and prints what it found
 * as JSON. Gives up after forty seeds. Without a bug it looks at all properties.
 */
export interface Family<Property extends string> {
  /** What the bugs are of, for people. */
  readonly of: string
  readonly mutants: ReadonlyArray<{ readonly name: string; readonly property: Property }>
  readonly properties: ReadonlyArray<Property>
  /** What is wrong under this seed. */
  readonly broken: (property: Property, seed: number) => string | undefined | Promise<string | undefined>
  /** Seeds that are looked at without a bug. */
  readonly clean: number
}

export const seek = async <Property extends string>(family: Family<Property>): Promise<void> => {
  const { broken, clean, mutants, of, properties } = family
  const planted = process.env["MUTANT"] ?? ""
  const mutant = mutants.find(({ name }) => name === planted)
  if (mutant === undefined && planted !== "") throw new RangeError(`MUTANT names no planted bug of ${of}`)
  const most = mutant === undefined ? clean : 40
  let found: string | undefined
  let seeds = 0
  for (; found === undefined && seeds < most; seeds++) {
    for (const property of mutant === undefined ? properties : [mutant.property])
      found ??= await broken(property, seeds)
  }
  console.log(JSON.stringify({ seeds, found: found ?? null }))
}
