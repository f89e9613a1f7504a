/** Writes the vectors of credit anew: `node test/vectors/credit/write.ts`, to be followed by `python3 test/vectors/credit/verify.py`. */
import { writeFileSync } from "node:fs"
import { vectors } from "../../support/credit/CreditVectors.ts"

for (const [name, json] of Object.entries(vectors())) {
  writeFileSync(new URL(name, import.meta.url), `${JSON.stringify(json, undefined, 2)}\n`)
}
