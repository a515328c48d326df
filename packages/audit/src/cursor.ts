/** A line of the log: where it ends, and what it fixes of all lines before it. */
export interface LogCursor {
  /** Segment that holds the line. */
  readonly segment: number
  /** Offset in the segment just behind the line's newline. */
  readonly offset: number
  /** Number of the line; 0 before the first. */
  readonly sequence: number
  /** Leaf hash of the line, 64 hex digits; 64 zeros before the first. */
  readonly hash: string
  /** Highest revision in the log up to the line, or 0. */
  readonly revision: number
}
