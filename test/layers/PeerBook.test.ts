import * as PeerBookContract from "../support/PeerBookContract.ts"
import { databases } from "../support/Stores.ts"

for (const { name, stores } of databases) PeerBookContract.remembers(name, stores)
