/** Copying and moving: specs secrets-api §2.5, E15 and E16. */
import { SecretsApiError } from '../errors.ts'
import type { CurrentSecret, ProviderCallOptions, SecretProvider } from '../provider/provider.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import { withCasRetry } from './cas-retry.ts'
import { type DeleteOutcome, removeFound } from './delete-secret.ts'
import type { SecretPayload } from './payload.ts'
import { findSecret, foundOf, payloadIn } from './read-secret.ts'
import type { Author } from './stamp-metadata.ts'
import { callOptions, finishWrite, mergeSecret, type WriteOutcome } from './write-secret.ts'

/** A URI with the provider behind it. */
export interface SecretAt {
  readonly provider: SecretProvider
  readonly uri: SecretUri
}

/** Options of {@link copySecret} and {@link moveSecret}. */
export interface CopyOptions extends ProviderCallOptions, Author {
  /** Write over what is at the destination. Default false. */
  readonly overwrite?: boolean
}

/** What a copy has made. */
export interface CopyOutcome extends WriteOutcome {
  /** That was copied; null where there are none. */
  readonly sourceVersion: number | null
}

/** What a move has made and deleted. */
export interface MoveOutcome extends CopyOutcome {
  readonly deleted: Pick<DeleteOutcome, 'mode' | 'version'>
}

/**
 * Refuse two URIs that nothing can be copied between, before anybody is asked for permission.
 *
 * @throws SecretsApiError `FRAGMENT_MISMATCH`, `SAME_RESOURCE`; `VERSION_NOT_ALLOWED` for a version of the destination,
 *   or of the source of a move
 */
export function assertCopyable(from: SecretUri, to: SecretUri, kind: 'copy' | 'move'): void {
  if ((from.fragment === undefined) !== (to.fragment === undefined)) {
    throw new SecretsApiError('FRAGMENT_MISMATCH')
  }
  if (from.canonical === to.canonical) throw new SecretsApiError('SAME_RESOURCE')
  if (to.version !== undefined || (kind === 'move' && from.version !== undefined)) {
    throw new SecretsApiError('VERSION_NOT_ALLOWED')
  }
}

/**
 * Write the value of one URI to another, with a fragment as one key among others. Custom metadata is not copied.
 *
 * @throws SecretsApiError as {@link assertCopyable}; `DESTINATION_EXISTS` without `overwrite`, also when it has come to
 *   be meanwhile
 * @throws ProviderError as `readSecret` and `writeSecret`
 */
export async function copySecret(
  from: SecretAt,
  to: SecretAt,
  options: CopyOptions,
): Promise<CopyOutcome> {
  assertCopyable(from.uri, to.uri, 'copy')
  const found = await findSecret(from.provider, from.uri, callOptions(options))
  const outcome = await writeCopy(to, payloadIn(found, from.uri.fragment), options)
  return { ...outcome, sourceVersion: found.version }
}

/**
 * Copy, and then delete the source as `deleteSecret` does, but only if it is still what was copied. Of two moves of one
 * source at the same time, at most one succeeds.
 *
 * @throws SecretsApiError as {@link copySecret}; `SAME_RESOURCE` also where one of the two holds the other;
 *   `MOVE_SOURCE_DELETE_FAILED` when the source was not deleted, with `details.copied`: the copy stays
 */
export async function moveSecret(
  from: SecretAt,
  to: SecretAt,
  options: CopyOptions,
): Promise<MoveOutcome> {
  assertCopyable(from.uri, to.uri, 'move')
  assertApart(from, to)
  if (from.uri.path === to.uri.path) return renameKey(from, to, options)
  const call = callOptions(options)
  const found = foundOf(await from.provider.read(from.uri, call))
  const outcome = await writeCopy(to, payloadIn(found, from.uri.fragment), options)
  try {
    const { mode, version } = await removeFound(from.provider, from.uri, found, call)
    return { ...outcome, sourceVersion: found.version, deleted: { mode, version } }
  } catch (cause) {
    throw new SecretsApiError('MOVE_SOURCE_DELETE_FAILED', { cause, details: { copied: true } })
  }
}

/** Where secrets hold secrets, a move between the two would take the copy away with the source, or the source first. */
function assertApart(from: SecretAt, to: SecretAt): void {
  if (!from.provider.capabilities.nested || from.uri.scheme !== to.uri.scheme) return
  const names = ({ mount, segments, fragment }: SecretUri): string =>
    [mount, ...segments, ...(fragment === undefined ? [] : [fragment]), ''].join('/')
  const [a, b] = [names(from.uri), names(to.uri)]
  if (a.startsWith(b) || b.startsWith(a)) throw new SecretsApiError('SAME_RESOURCE')
}

/** Both keys are of one secret: one write, which nobody sees half of. */
async function renameKey(
  { provider, uri: from }: SecretAt,
  { uri: to }: SecretAt,
  options: CopyOptions,
): Promise<MoveOutcome> {
  const call = callOptions(options)
  const { written, sourceVersion } = await withCasRetry(async () => {
    const found = foundOf(await provider.read(from, call))
    const payload = payloadIn(found, from.fragment)
    assertFree(found, to, options)
    const data = new Map(found.data)
    data.delete(from.fragment as string)
    if (payload.kind === 'key') data.set(to.fragment as string, payload.value)
    const written = await provider.write(to, data, { ...call, cas: found.token })
    return { written, sourceVersion: found.version }
  })
  const outcome = await finishWrite(provider, to, written, options)
  return { ...outcome, sourceVersion, deleted: { mode: 'key_removed', version: written.version } }
}

async function writeCopy(
  { provider, uri }: SecretAt,
  payload: SecretPayload,
  options: CopyOptions,
): Promise<WriteOutcome> {
  // The key keeps its value, under the destination's name.
  const renamed: SecretPayload =
    payload.kind === 'map' ? payload : { ...payload, key: uri.fragment as string }
  const call = callOptions(options)
  if (renamed.kind === 'map' && options.overwrite === true) {
    const written = await provider.write(uri, renamed.data, call)
    return finishWrite(provider, uri, written, options)
  }
  const check = (current: CurrentSecret): void => assertFree(current, uri, options)
  const { written } = await mergeSecret(provider, uri, renamed, { ...call, check })
  return finishWrite(provider, uri, written, options)
}

/** @throws SecretsApiError `DESTINATION_EXISTS` */
function assertFree(current: CurrentSecret, uri: SecretUri, { overwrite }: CopyOptions): void {
  if (overwrite === true || current.kind !== 'found') return
  if (uri.fragment === undefined || current.data.has(uri.fragment)) {
    throw new SecretsApiError('DESTINATION_EXISTS')
  }
}
