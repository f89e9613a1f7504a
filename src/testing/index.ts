/** Every module of testing by its name. Written by `npm run barrel`. */
export * as LinkProxy from "./LinkProxy.ts"
export * as MemoryLink from "./MemoryLink.ts"
export * as TransportMemory from "./TransportMemory.ts"
