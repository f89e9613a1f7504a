import * as AttentionStoreContract from "../support/AttentionStoreContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) AttentionStoreContract.attends(name, stores)
