import * as FeedStoreContract from "../support/FeedStoreContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) FeedStoreContract.feeds(name, stores)
