import * as TransactionsContract from "../support/TransactionsContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) TransactionsContract.commits(name, stores)
