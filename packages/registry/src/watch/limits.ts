/** Limits of watches and of the history that they resume from, in one table. Bytes are of what waits for a reader. */
export const WATCH_LIMITS: Readonly<
  Record<
    | 'watches'
    | 'historyMs'
    | 'historyEvents'
    | 'trimEveryMs'
    | 'trimRows'
    | 'unreadBytes'
    | 'readerUnreadBytes'
    | 'catchUpUnreadBytes'
    | 'catchUpReaderUnreadBytes'
    | 'liveEvents'
    | 'pieceBytes'
    | 'readRows'
    | 'readBytes'
    | 'cachedEvents'
    | 'cachedLargeBytes'
    | 'progressMs',
    number
  >
> = Object.freeze({
  /** Watches of all callers together. */
  watches: 65_536,
  /** History that is kept: at most so old, milliseconds, */
  historyMs: 86_400_000,
  /** and at most so many events. */
  historyEvents: 1_000_000,
  /** How often history is trimmed, milliseconds. */
  trimEveryMs: 60_000,
  /** Change rows that one round of trimming reads at most. */
  trimRows: 10_000,
  /** A watch that has more than this to be read has overflowed. */
  unreadBytes: 1024 * 1024,
  /** The same for everything that its reader has not taken, whatever watch or answer it is of. */
  readerUnreadBytes: 4 * 1024 * 1024,
  /** A watch that reads history goes on once it has no more than this to be read, */
  catchUpUnreadBytes: 128 * 1024,
  /** and its reader no more than this. */
  catchUpReaderUnreadBytes: 512 * 1024,
  /** Events of a commit up to which it is told at once; those of a larger one are read back in pieces. */
  liveEvents: 512,
  /** Bytes of a change row after which a piece ends: also what one message holds of a large commit. */
  pieceBytes: 64 * 1024,
  /** Change rows, and bytes of their events, that are read from the store at once. */
  readRows: 128,
  readBytes: 256 * 1024,
  /** Events of history that are kept in memory for all watches. */
  cachedEvents: 16_384,
  /** Bytes of large change rows that are kept in memory while they are read. */
  cachedLargeBytes: 64 * 1024 * 1024,
  /** Least time between two messages that tell of progress only, milliseconds. */
  progressMs: 10_000,
})

/** See {@link WATCH_LIMITS}; tests take smaller ones. */
export type WatchLimits = { readonly [K in keyof typeof WATCH_LIMITS]: number }
