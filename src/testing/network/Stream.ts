/** One direction of a connection, as those see it who have power over the way that it takes. */
export interface Stream {
  /** The other direction of the same connection. */
  readonly reverse: Stream
  /** Its way stands still from now on, or goes on. */
  stall(): void
  recover(): void
  /** The way of its acknowledgements has stood still since then, and goes on. */
  hearAgain(since: number): void
  /** There may be more room. */
  pump(): void
  /** Carries nothing any more, and nobody is told. */
  silence(): void
  sever(how: "fin" | "rst" | "rst-as-end"): void
}
