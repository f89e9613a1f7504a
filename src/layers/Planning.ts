/**
 * What sessions say to PostgreSQL's planner.
 *
 * A page of an index costs little more than the next page of a table, as it does in memory and on a disk without a head.
 * With the server's default of 4 a table that had a handful of rows when it was last counted, and has thousands now, is
 * read whole for one of them: all pages of its index are taken for what one of the counted rows costs.
 */
export const planning: Readonly<Record<string, string>> = { random_page_cost: "1.1" }

/** The same for the command line of a server. */
export const planningParams: ReadonlyArray<string> = Object.entries(planning).flatMap(([name, value]) => [
  "-c",
  `${name}=${value}`
])
