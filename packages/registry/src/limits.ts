/** Bounds of the registry's own work and memory; those of messages are in `@secreg/protocol`, of watches in `watch/limits.ts`. */
export const REGISTRY_LIMITS: Readonly<
  Record<
    | 'subtreeEntries'
    | 'transactionAnswerBytes'
    | 'searchRows'
    | 'openExports'
    | 'openBackups'
    | 'openRestores'
    | 'mounts'
    | 'polls'
    | 'groupBytes'
    | 'policies'
    | 'policyBytes'
    | 'policyStatements'
    | 'accountsLooked',
    number
  >
> = Object.freeze({
  /** Entries that one operation on a subtree takes. */
  subtreeEntries: 10_000,
  /** Bytes of the values that one transaction answers. */
  transactionAnswerBytes: 2 * 1024 * 1024,
  /** Entries that a caller sees, and that one search of his looks at before it says where to go on. */
  searchRows: 100_000,
  /** Exports that are open at once; the oldest makes room. */
  openExports: 8,
  /** Backups that are read at once. */
  openBackups: 4,
  /** Restores whose files are handed over at once. */
  openRestores: 2,
  /** Mounts of one registry: each decision about an entry looks at them. */
  mounts: 1000,
  /** Pairs of entry and principal of which the last conditional read is remembered. */
  polls: 100_000,
  /** Bytes of rows from which a group of operations takes no more into its commit. */
  groupBytes: 4 * 1024 * 1024,
  /** Policies of one registry; each account has one for its own subtree. */
  policies: 200_000,
  /** JSON text of one policy. */
  policyBytes: 1024 * 1024,
  /** Things that one policy says: each principal of a rule with each of its actions and resources. */
  policyStatements: 100_000,
  /** Accounts that one operation looks through. */
  accountsLooked: 100_000,
})
