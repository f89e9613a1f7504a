import * as ChainBlocksContract from "../support/ChainBlocksContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) ChainBlocksContract.keeps(name, stores)
