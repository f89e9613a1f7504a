import * as BanStoreContract from "../support/BanStoreContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) BanStoreContract.keeps(name, stores)
