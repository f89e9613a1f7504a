import * as RetryStoreContract from "../support/RetryStoreContract.ts"
import * as RetryStoreHandoverContract from "../support/RetryStoreHandoverContract.ts"
import * as RetryStoreReceivingContract from "../support/RetryStoreReceivingContract.ts"
import * as RetryStoreSettlingContract from "../support/RetryStoreSettlingContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) {
  RetryStoreContract.sends(name, stores)
  RetryStoreSettlingContract.settles(name, stores)
  RetryStoreReceivingContract.receives(name, stores)
  RetryStoreHandoverContract.handsOver(name, stores)
}
