/** Limits of the registry protocol and its data, in one table. Bytes are bytes of UTF-8 where text is meant. */
export const LIMITS = Object.freeze({
  /** Canonical path, bytes (DESIGN §4). */
  pathBytes: 512,
  /** Segments of a path (DESIGN §4). */
  pathSegments: 32,
  /** A `string` value, bytes (SecReg-Linux source limit). */
  stringValueBytes: 64 * 1024,
  /** Any other value, bytes (SecReg-Linux source limit). */
  valueBytes: 1024 * 1024,
  /** One frame after login: a 1 MiB value at its worst, escaped twice or in base64. */
  frameBytes: 4 * 1024 * 1024,
  /** One frame before login. */
  unauthenticatedFrameBytes: 16 * 1024,
  /** One frame in the literal documented framing, whose end only a scan can find. */
  nakedFrameBytes: 64 * 1024,
  /** Nesting of a JSON payload. */
  payloadDepth: 32,
  /** Requests of one connection that are read but not answered. */
  outstandingRequests: 64,
  /** Answers of one connection that its peer has not read, bytes; more closes it. */
  connectionWriteBytes: 8 * 1024 * 1024,
  /** Session id in the header, bytes: its length is one byte. */
  sessionIdBytes: 255,
  /** Correlation id of a request, characters. */
  requestIdChars: 64,
  /** Largest `limit` of a list request; without one, an answer holds what fits its frame. */
  listKeys: 10_000,
  /** Versions that an entry can be told to keep. */
  versions: 10_000,
  /** Versions of one page of a history. */
  historyVersions: 1000,
  /** Comparisons, and operations of each branch, of one transaction. */
  txnOperations: 1000,
  /** Watches of one connection. */
  watches: 1024,
  /** Description of an entry, characters. */
  descriptionChars: 1024,
  /** Tags of an entry, and characters of one. */
  tags: 32,
  tagChars: 64,
  /** Custom metadata of an entry: members, and characters of a name and of a value (KV v2's own limits). */
  metadataMembers: 64,
  metadataNameChars: 128,
  metadataValueChars: 512,
  /** What makes an entry unique among those of its dialect, characters. */
  uniqueChars: 1024,
  /** Longest time to live, seconds: a hundred years. */
  ttlSeconds: 3_155_760_000,
  /** A user name, bytes. */
  loginBytes: 64,
  /** A password or passphrase, characters. */
  passwordChars: 1024,
  /** Shares of a set. */
  shares: 255,
  /** Text of one share, with room for spaces and hyphens, characters. */
  shareChars: 256,
  /** A key file, bytes. */
  keyFileBytes: 4096,
  /** Name of a group or role, characters. */
  nameChars: 32,
  /** Groups, and roles, of one account. */
  namesPerAccount: 64,
  /** An access token, or a token or temporary token of a zone, characters. */
  tokenChars: 512,
  /** Principals that a gateway asserts of one caller. */
  assertions: 64,
  /** Policies that bound one token. */
  boundaryPolicies: 32,
  /** Decisions of one trial, and documents that it may be made with. */
  trials: 1000,
  trialDocuments: 64,
  /** Label of a protector or token, characters. */
  labelChars: 64,
  /** A token of another issuer, or a proof, characters. */
  foreignTokenChars: 16 * 1024,
  /** URL of a request, characters. */
  urlChars: 8192,
  /** URI of a secret, characters, each of which is one byte. */
  secretUriChars: 2048,
  /** Query and body of a request of the Secrets API, and the longest wait for events. */
  secretsQueryChars: 16 * 1024,
  secretsBodyBytes: 1024 * 1024,
  secretsWaitMs: 15_000,
  /** A piece of a backup, bytes. */
  backupPieceBytes: 1024 * 1024,
} as const)
