/** Entries as a provider sees them: those alone whose metadata the caller may read, and that are not private. */
import type { MetaResponse } from '@secreg/protocol'
import type { CurrentSecret, GoneSecret, PinnedSecret } from '../provider/provider.ts'
import { secretMapOfEntry } from './entry-value.ts'
import type { RegistryProviderApi } from './provider-api.ts'
import { tooFast, unlessAbsent } from './provider-errors.ts'
import { foundToken, goneToken, NEVER_WRITTEN } from './state-token.ts'

/** How often answers are asked for until they belong together. */
export const TRIES = 5

const ABSENT: CurrentSecret = Object.freeze({ kind: 'absent', token: NEVER_WRITTEN })

type Reader = Pick<RegistryProviderApi, 'get' | 'meta' | 'history'>

/** What is known of an entry without its value; undefined where there is none that may be seen. */
export async function seeEntry(
  api: Pick<RegistryProviderApi, 'meta'>,
  key: string,
): Promise<MetaResponse | 'deleted' | undefined> {
  const meta = await unlessAbsent(api.meta({ op: 'get', key }))
  if (typeof meta === 'string') return meta === 'entry-deleted' ? 'deleted' : undefined
  if (typeof meta.private !== 'boolean') throw new TypeError('the registry answered no metadata')
  return meta.private ? undefined : meta
}

/**
 * The active version.
 *
 * @throws SecregError; ProviderError `PROVIDER_BUSY` when it changes faster than it can be read
 */
export async function currentSecret(api: Reader, key: string): Promise<CurrentSecret> {
  for (let left = TRIES; left > 0; left--) {
    const meta = await seeEntry(api, key)
    if (meta === undefined) return ABSENT
    if (meta === 'deleted') {
      const deleted = await deletedSecret(api, key)
      if (deleted !== undefined) return deleted
      continue
    }
    const { active: version, latest } = meta
    if (version === 0) return ABSENT
    const got = await unlessAbsent(api.get({ key, decrypt: true }))
    if (got === 'hidden') return ABSENT
    if (got === 'deleted' || got === 'destroyed') {
      return { kind: got, version, token: goneToken(latest) }
    }
    // Otherwise it is not what was looked at: it may be private by now.
    if (typeof got === 'string' || got.modify_revision !== meta.modify_revision) continue
    const data = secretMapOfEntry(got.type, textOf(got.value))
    return { kind: 'found', data, version: got.version, token: foundToken(got.version) }
  }
  throw tooFast()
}

/** An entry that is deleted; undefined when it is not any more. */
async function deletedSecret(api: Reader, key: string): Promise<CurrentSecret | undefined> {
  const history = await unlessAbsent(api.history({ key, limit: 1 }))
  if (typeof history === 'string') return ABSENT
  const { active, latest, deleted_at: deletedAt } = history
  if (deletedAt === undefined) return undefined
  if (active === 0) return { kind: 'absent', token: goneToken(latest) }
  return { ...(await goneVersion(api, key, active)), token: goneToken(latest) }
}

/**
 * A version by its number.
 *
 * @throws as {@link currentSecret}
 */
export async function pinnedSecret(
  api: Reader,
  key: string,
  version: number,
): Promise<PinnedSecret> {
  for (let left = TRIES; left > 0; left--) {
    const meta = await seeEntry(api, key)
    if (meta === undefined) return { kind: 'absent' }
    if (meta === 'deleted') return goneVersion(api, key, version)
    const got = await unlessAbsent(api.get({ key, version, decrypt: true }))
    if (got === 'hidden' || got === 'absent') return { kind: 'absent' }
    if (got === 'deleted' || got === 'destroyed') return { kind: got, version }
    if (got === 'entry-deleted' || got.modify_revision !== meta.modify_revision) continue
    return { kind: 'found', data: secretMapOfEntry(got.type, textOf(got.value)), version }
  }
  throw tooFast()
}

/** A version of an entry that is deleted, with which all its versions are. */
async function goneVersion(
  api: Reader,
  key: string,
  version: number,
): Promise<GoneSecret | { readonly kind: 'absent' }> {
  const history = await unlessAbsent(api.history({ key, limit: 1, before: version + 1 }))
  const found = typeof history === 'string' ? undefined : history.versions[0]
  if (found?.version !== version) return { kind: 'absent' }
  return { kind: found.state === 'destroyed' ? 'destroyed' : 'deleted', version }
}

/** @throws TypeError when a value was asked for and none came */
export function textOf(value: string | null): string {
  if (typeof value !== 'string') throw new TypeError('the registry answered without a value')
  return value
}
