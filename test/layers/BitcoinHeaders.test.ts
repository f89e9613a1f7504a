import * as BitcoinHeadersContract from "../support/BitcoinHeadersContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) BitcoinHeadersContract.keeps(name, stores)
