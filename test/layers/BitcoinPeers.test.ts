import * as BitcoinPeersContract from "../support/BitcoinPeersContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) BitcoinPeersContract.keeps(name, stores, 16)
