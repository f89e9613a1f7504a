/**
 * The order of test files: those that take long begin first, so that at the end of a run no core waits for one that the
 * other works on. Where nothing is said of a file, vitest's own order stays.
 */
import { relative } from "node:path"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Seconds on two cores, of the files that take more than twenty; only their order counts. */
export const seconds: Readonly<Record<string, number>> = {
  "test/mutants/Caught.test.ts": 150
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const inOrder = await super.sort(files)
    const groups = Map.groupBy(inOrder, ({ project }) => project)
    const timeOf = ({ moduleId, project }: TestSpecification): number =>
      seconds[relative(project.config.root, moduleId)] ?? 0
    return [...groups.values()].flatMap((group) => group.toSorted((one, other) => timeOf(other) - timeOf(one)))
  }
}
