import * as ChainHeadersContract from "../support/ChainHeadersContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) ChainHeadersContract.keeps(name, stores)
