/**
 * What tells the names of scenarios that are built in from those of files.
 */

/** Whether a scenario is a file of the user's. */
export const isFile = (scenario: string): boolean => /[/\\.#]/.test(scenario)
