import * as PgliteDatabases from "../../../src/testing/database/PgliteDatabases.ts"
import { simulates } from "./SimulatedDatabaseContract.ts"

simulates(
  "PGlite",
  async (world, test) => {
    const { of, release } = await PgliteDatabases.acquire(["a"])
    try {
      await test(of(world, "a"))
    } finally {
      await release()
    }
  },
  { late: true }
)
