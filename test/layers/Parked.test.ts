import * as ParkedContract from "../support/ParkedContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) ParkedContract.parks(name, stores)
