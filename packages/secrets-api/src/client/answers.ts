/** Reads answers into results. */
import { readStrictJson } from '@secreg/protocol'
import { isJsonObject, type JsonValue } from '../provider/json-value.ts'
import type {
  SecretBulkItem,
  SecretBulkResult,
  SecretDeleteResult,
  SecretFound,
  SecretKeysResult,
  SecretMetadataResult,
  SecretOwnerResult,
  SecretRotateResult,
  SecretsPage,
  SecretTransferResult,
  SecretValueResult,
  SecretVersionResult,
  SecretVersionsChanged,
  SecretVersionsResult,
  SecretWriteResult,
} from './results.ts'
import {
  count,
  flag,
  list,
  Malformed,
  type Members,
  member,
  members,
  numberOrNull,
  text,
  word,
} from './shape.ts'

/** A value is at most 32 levels deep, below its answer. */
const MAX_DEPTH = 64

/** @throws Malformed */
export function parseAnswer(bytes: Uint8Array): Members {
  const read = readStrictJson(bytes, MAX_DEPTH)
  if (!read.ok || !isJsonObject(read.value)) throw new Malformed()
  return read.value
}

export function valueResult(answer: Members): SecretValueResult {
  return {
    uri: text(answer, 'uri'),
    value: member(answer, 'value'),
    version: numberOrNull(answer, 'version'),
  }
}

export function writeOf(answer: Members): SecretWriteResult {
  return { uri: text(answer, 'uri'), version: numberOrNull(answer, 'version') }
}

export function rotateOf(answer: Members): SecretRotateResult {
  return {
    uri: text(answer, 'uri'),
    oldVersion: numberOrNull(answer, 'old_version'),
    newVersion: numberOrNull(answer, 'new_version'),
  }
}

const MODES = ['version_deleted', 'key_removed', 'all_versions_destroyed', 'node_removed'] as const

export function deleteOf(answer: Members): SecretDeleteResult {
  return {
    uri: text(answer, 'uri'),
    mode: word(answer, 'mode', MODES),
    version: numberOrNull(answer, 'version'),
  }
}

export function keysOf(answer: Members): SecretKeysResult {
  return { uri: text(answer, 'uri'), keys: list(answer, 'keys', textItem) }
}

/** @param item - reads one */
export function pageOf<T>(item: (value: JsonValue) => T): (answer: Members) => SecretsPage<T> {
  return (answer) => ({
    items: list(answer, 'items', item),
    total: count(answer, 'total'),
    offset: count(answer, 'offset'),
    limit: count(answer, 'limit'),
  })
}

export function keysItem(value: JsonValue): SecretKeysResult {
  return keysOf(members(value))
}

const KINDS = ['key', 'path', 'folder'] as const

export function foundItem(value: JsonValue): SecretFound {
  const one = members(value)
  return { uri: text(one, 'uri'), kind: word(one, 'kind', KINDS) }
}

export function metadataOf(answer: Members): SecretMetadataResult {
  const versions = Object.entries(members(member(answer, 'versions'))).map(([number, value]) => {
    if (!/^[1-9]\d{0,9}$/.test(number)) throw new Malformed()
    return versionResult(Number(number), members(value))
  })
  const custom = Object.entries(members(answer['custom_metadata'] ?? {})).map(([name, value]) => {
    return [name, textItem(value)] as const
  })
  return {
    uri: text(answer, 'uri'),
    currentVersion: count(answer, 'current_version'),
    oldestVersion: count(answer, 'oldest_version'),
    createdTime: text(answer, 'created_time'),
    updatedTime: text(answer, 'updated_time'),
    maxVersions: count(answer, 'max_versions'),
    casRequired: flag(answer, 'cas_required'),
    deleteVersionAfter: text(answer, 'delete_version_after'),
    customMetadata: Object.fromEntries(custom),
    versions: versions.sort((a, b) => a.version - b.version),
  }
}

function versionResult(version: number, one: Members): SecretVersionResult {
  return {
    version,
    createdTime: text(one, 'created_time'),
    deletionTime: text(one, 'deletion_time'),
    destroyed: flag(one, 'destroyed'),
  }
}

const STATES = ['active', 'deleted', 'destroyed'] as const

export function versionsOf(answer: Members): SecretVersionsResult {
  return {
    uri: text(answer, 'uri'),
    currentVersion: count(answer, 'current_version'),
    versions: list(answer, 'versions', (value) => {
      const one = members(value)
      return { ...versionResult(count(one, 'version'), one), state: word(one, 'state', STATES) }
    }),
  }
}

export function ownerOf(answer: Members): SecretOwnerResult {
  return { uri: text(answer, 'uri'), owner: text(answer, 'owner') }
}

export function changedOf(answer: Members): SecretVersionsChanged {
  return { uri: text(answer, 'uri'), versions: list(answer, 'versions', numberItem) }
}

export function transferOf(answer: Members): SecretTransferResult {
  return {
    fromUri: text(answer, 'fromUri'),
    toUri: text(answer, 'toUri'),
    version: numberOrNull(answer, 'version'),
  }
}

/** @param operations - how many were asked for */
export function bulkOf(operations: number): (answer: Members) => SecretBulkResult {
  return (answer) => {
    const results = list(answer, 'results', bulkItem)
    const inOrder = results.every(({ index }, at) => index === at)
    if (results.length !== operations || !inOrder) throw new Malformed()
    const summary = members(member(answer, 'summary'))
    return {
      results,
      succeeded: count(summary, 'succeeded'),
      failed: count(summary, 'failed'),
      skipped: count(summary, 'skipped'),
    }
  }
}

function bulkItem(value: JsonValue): SecretBulkItem {
  const one = members(value)
  const { error } = one
  const code = error === undefined ? undefined : text(members(error), 'code')
  if (code !== undefined && !/^[A-Z][A-Z0-9_]{0,63}$/.test(code)) throw new Malformed()
  return {
    index: count(one, 'index'),
    ok: flag(one, 'ok'),
    status: count(one, 'status'),
    version: Object.hasOwn(one, 'version') ? numberOrNull(one, 'version') : null,
    code,
  }
}

function textItem(value: JsonValue): string {
  if (typeof value !== 'string') throw new Malformed()
  return value
}

function numberItem(value: JsonValue): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw new Malformed()
  return value as number
}
