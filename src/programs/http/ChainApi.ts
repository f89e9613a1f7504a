/**
 * The part of the API that is about the chain of a node. A node that keeps none answers every request with `NotFound`.
 */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { NotFound, Refused, Unavailable } from "./ApiErrors.ts"
import { Authorization, RequestCheck } from "./Authorization.ts"
import { BlockPage, ChainEvent, ChainStatus, NewItem, Place, VerifyItem, Waiting } from "./ChainModels.ts"

/** Blocks of one page at the most; of large ones there are fewer. */
export const mostBlocks = 256

const whole = (minimum: number, maximum: number) =>
  Schema.optionalKey(Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum })))

const describe = (summary: string) => OpenApi.annotations({ summary })

export class ChainGroup extends HttpApiGroup.make("chain")
  .add(
    HttpApiEndpoint.get("status", "/chain", { success: ChainStatus, error: NotFound }).annotateMerge(
      describe("How the chain stands: its tip, the best header, the peers that keep it, what this node produces")
    )
  )
  .add(
    HttpApiEndpoint.get("blocks", "/chain/blocks", {
      query: { above: whole(-1, 0xffff_ffff), limit: whole(1, mostBlocks) },
      success: BlockPage,
      error: [NotFound, Unavailable]
    }).annotateMerge(describe("Blocks above a height, or else the last ones, the lowest first; about 8 MiB of them"))
  )
  .add(
    HttpApiEndpoint.post("submit", "/chain/items", {
      payload: NewItem,
      success: Waiting,
      error: [NotFound, Refused]
    }).annotateMerge(describe("Have an item wait, in memory, for a block that this node makes"))
  )
  .add(
    HttpApiEndpoint.post("produce", "/chain/produce", {
      success: Place,
      error: [NotFound, Refused, Unavailable]
    }).annotateMerge(describe("Make a block now, of the items that wait; answered once it is part of the chain"))
  )
  .add(
    HttpApiEndpoint.get("events", "/chain/events", {
      success: HttpApiSchema.StreamSse({ data: ChainEvent }),
      error: [NotFound, Unavailable]
    }).annotateMerge(describe("What happens to the chain from now on, as server-sent events"))
  )
  .add(
    HttpApiEndpoint.get("verify", "/chain/verify", {
      success: HttpApiSchema.StreamSse({ data: VerifyItem }),
      error: [NotFound, Refused]
    }).annotateMerge(
      describe("Check all stored blocks from the first one on, as server-sent events; the last is the result")
    )
  )
  .middleware(RequestCheck)
  .middleware(Authorization) {}
