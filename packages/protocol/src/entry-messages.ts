/** Requests about entries: values, versions, metadata, transactions, changes (DESIGN §4; specs: rows 12 to 19). */
import * as z from 'zod'
import { jsonValue, keyText, revision, text, typeName, version } from './fields.ts'
import { LIMITS } from './limits.ts'

/** Seconds from now; 0 ends it: no expiry. */
const ttl = z.int().min(0).max(LIMITS.ttlSeconds)

/** `{"key","decrypt"}` as documented; more is ours. */
export const getRequest = z.object({
  key: keyText,
  decrypt: z.boolean().optional(),
  /** This version instead of the active one. */
  version: version.optional(),
  /** Answer `unchanged` instead of the value while this is the active version. */
  if_changed: version.optional(),
  /** Also return times and authors. */
  detail: z.boolean().optional(),
})

const setMembers = {
  key: keyText,
  value: jsonValue,
  type: typeName.optional(),
  encrypt: z.boolean().optional(),
  /** Latest version ever used that the entry must have; 0 = none yet. */
  if_version: revision.optional(),
  /** Modify revision that the entry must have; 0 = absent. */
  if_revision: revision.optional(),
  /** Type that the entry must have. */
  if_type: typeName.optional(),
  /** The entry is purged so long from now. Absent: whatever is set now does not expire. */
  ttl_s: ttl.optional(),
  /** No client reads it back without the right `use-internal`; it stays so until it is purged. */
  private: z.boolean().optional(),
  /** In memory only, gone at restart. */
  ephemeral: z.boolean().optional(),
}

/** `{"key","value","type","encrypt"}` as documented; more is ours. */
export const setRequest = z.object(setMembers)

/** `{"key"}` as documented, and the subtree switch that the documented command has. */
export const deleteRequest = z.object({ key: keyText, recursive: z.boolean().optional() })

/** `{"prefix","recursive"}` as documented, and paging. */
export const listRequest = z.object({
  prefix: keyText,
  recursive: z.boolean().optional(),
  limit: z.int().min(1).max(LIMITS.listKeys).optional(),
  after: keyText.optional(),
  /** Also return type, version and times of each key. */
  detail: z.boolean().optional(),
  /** With `detail`: also the numbers of the versions that can be read. */
  versions: z.boolean().optional(),
  /** With `detail`: also flags, description and custom metadata, of those whose metadata may be read. */
  metadata: z.boolean().optional(),
  /** Also those without a value that can be read; deleted ones never. */
  unset: z.boolean().optional(),
})

/** Versions of an entry, newest first. */
export const historyRequest = z.object({
  key: keyText,
  limit: z.int().min(1).max(LIMITS.historyVersions).optional(),
  /** Continue below this version. */
  before: version.optional(),
})

const versionList = z.array(version).min(1).max(LIMITS.historyVersions)

/** Changes of an entry's versions that write no new value from outside. */
export const versionsRequest = z.discriminatedUnion('op', [
  /** Write the value of an older version as a new one. */
  z.object({
    op: z.literal('rollback'),
    key: keyText,
    version,
    if_version: revision.optional(),
  }),
  /** Make an existing version the active one. */
  z.object({
    op: z.literal('activate'),
    key: keyText,
    version,
    if_revision: revision.optional(),
  }),
  /** Bring back a deleted entry, or with `version` one deleted version. */
  z.object({ op: z.literal('undelete'), key: keyText, version: version.optional() }),
  /** Erase the values of these versions for ever; their headers stay. */
  z.object({ op: z.literal('destroy'), key: keyText, versions: versionList }),
  /** Erase an entry with its history, or with `recursive` everything at and below it. */
  z.object({ op: z.literal('purge'), key: keyText, recursive: z.boolean().optional() }),
])

/** Passed on as they are: a schema that copies them would drop a member named `__proto__`. */
const members = z.custom<Readonly<Record<string, string>>>((input) => areMembers(input, false))
const memberChanges = z.custom<Readonly<Record<string, string | null>>>((input) =>
  areMembers(input, true),
)

function areMembers(input: unknown, mayRemove: boolean): boolean {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return false
  return Object.entries(input).every(([name, value]) => {
    if (name.length < 1 || name.length > LIMITS.metadataNameChars) return false
    if (value === null) return mayRemove
    return typeof value === 'string' && value.length <= LIMITS.metadataValueChars
  })
}

/** Metadata, limits and expiry of an entry. `set` changes the named members only; `null` removes one. */
export const metaRequest = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('get'),
    key: keyText,
    /** Also return the numbers of the versions that can be read. */
    versions: z.boolean().optional(),
  }),
  /** The entry that has something which no two of its dialect may share. */
  z.object({
    op: z.literal('find'),
    dialect: text(32).min(1),
    /** As the dialect says it. */
    unique: text(LIMITS.uniqueChars).min(1),
  }),
  z.object({
    op: z.literal('set'),
    key: keyText,
    description: text(LIMITS.descriptionChars).nullable().optional(),
    tags: z.array(text(LIMITS.tagChars).min(1)).max(LIMITS.tags).optional(),
    custom: memberChanges.optional(),
    /** Write `custom` so that policy conditions see it; needs the right `grant`. */
    granted: z.boolean().optional(),
    max_versions: z.int().min(1).max(LIMITS.versions).nullable().optional(),
    cas_required: z.boolean().nullable().optional(),
    /** Each new version is deleted so long after it was made. */
    delete_after_s: z.int().min(1).max(LIMITS.ttlSeconds).nullable().optional(),
    /** The entry is purged so long from now; 0 = never. */
    ttl_s: ttl.optional(),
    if_revision: revision.optional(),
  }),
])

const order = z.enum(['=', '!=', '<', '>'])

/** One comparison of a transaction: exactly one of `revision`, `version`, `absent`, `value`. */
const comparison = z.union([
  /** Modify revision; 0 = absent. */
  z.strictObject({ key: keyText, revision, is: order.optional() }),
  /** Latest version ever used; 0 = none yet. */
  z.strictObject({ key: keyText, version: revision, is: order.optional() }),
  z.strictObject({ key: keyText, absent: z.boolean() }),
  /** The active value; an encrypted one needs the right to decrypt. */
  z.strictObject({
    key: keyText,
    value: jsonValue,
    type: typeName.optional(),
    is: z.enum(['=', '!=']).optional(),
  }),
])

const txnOperation = z.discriminatedUnion('op', [
  z.object({ op: z.literal('get'), key: keyText, decrypt: z.boolean().optional() }),
  z.object({ op: z.literal('set'), ...setMembers }),
  /** Of what is absent, it does nothing. */
  z.object({ op: z.literal('delete'), key: keyText }),
])

const branch = z.array(txnOperation).max(LIMITS.txnOperations)

/** Compare, then do the one or the other, as one operation. A branch writes a path at most once; reads see the state before. */
export const txnRequest = z.object({
  compare: z.array(comparison).max(LIMITS.txnOperations).optional(),
  then: branch.optional(),
  else: branch.optional(),
})

/** Find entries by path and metadata, never by value; all given filters hold together. */
export const searchRequest = z.object({
  prefix: keyText.optional(),
  /** Stands somewhere in the path, whatever its case. */
  text: text(LIMITS.pathBytes).min(1).optional(),
  /** Stands somewhere in the last segment, whatever its case. */
  key: text(LIMITS.pathBytes).min(1).optional(),
  /** Custom metadata that the entry must have, exactly. */
  metadata: members.optional(),
  tag: text(LIMITS.tagChars).min(1).optional(),
  limit: z.int().min(1).max(LIMITS.listKeys).optional(),
  after: keyText.optional(),
})

/** Copy the active value and metadata of entries, or move entries with their whole history. */
export const transferRequest = z.object({
  op: z.enum(['copy', 'move']),
  from: keyText,
  to: keyText,
  /** Also everything below. */
  recursive: z.boolean().optional(),
  /** Copy: write a new version where the destination exists. */
  force: z.boolean().optional(),
})

/** Be told of changes from now on, or of those after a revision; events come as messages of their own. */
export const watchRequest = z.object({
  /** Exactly this entry; or `prefix`. */
  key: keyText.optional(),
  prefix: keyText.optional(),
  /** Of a prefix: everything below it (default), not only its direct children. */
  recursive: z.boolean().optional(),
  /** Begin with the first change after this revision. */
  since_revision: revision.optional(),
  /** Life of the store that the revision is of, from an earlier answer. */
  generation: text(64).optional(),
  /** Also be told now and then that nothing happened up to a revision. */
  progress: z.boolean().optional(),
})

export const unwatchRequest = z.object({ watch_id: z.int().min(1) })

/** One write of a foreign door, by the rules of its dialect (DESIGN §4); its own validator has the word on `request`. */
export const dialectRequest = z.object({
  dialect: text(32).min(1),
  operation: text(64).min(1),
  key: keyText,
  request: z.custom<Readonly<Record<string, unknown>>>(isPlainObject),
})

function isPlainObject(input: unknown): boolean {
  return typeof input === 'object' && input !== null && !Array.isArray(input)
}

/** Subtrees with write rules of their own (DESIGN §4). */
export const mountRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('list') }),
  z.object({
    op: z.literal('set'),
    path: keyText,
    dialect: text(32).min(1),
    max_versions: z.int().min(1).max(LIMITS.versions).optional(),
    cas_required: z.boolean().optional(),
    delete_after_s: z.int().min(1).max(LIMITS.ttlSeconds).optional(),
    encrypt: z.boolean().optional(),
    /** Most entries in the subtree, deleted ones that are kept included. */
    max_entries: z.int().min(1).optional(),
    /** Most bytes that the records and values of its entries take in the store. */
    max_bytes: z.int().min(1).optional(),
  }),
  z.object({ op: z.literal('remove'), path: keyText }),
])
