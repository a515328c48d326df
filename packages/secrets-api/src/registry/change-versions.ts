/** Versions of an entry that are brought back or destroyed by their numbers; those that are not there are passed over. */
import { ProviderError } from '../errors.ts'
import type { RegistryProviderApi } from './provider-api.ts'
import { tooFast, unlessAbsent } from './provider-errors.ts'
import { wholeHistory } from './secret-metadata.ts'
import { TRIES } from './see-entry.ts'

type Changer = Pick<RegistryProviderApi, 'history' | 'versions'>

/**
 * Bring versions back. An entry that is deleted comes back, with all its versions, when its active one is among them.
 *
 * @throws ProviderError `OPERATION_NOT_SUPPORTED` for older versions alone of an entry that is deleted: they cannot be
 *   read without it; SecregError
 */
export async function undeleteVersionsOf(
  api: Changer,
  key: string,
  numbers: readonly number[],
): Promise<void> {
  const history = await seenHistory(api, key)
  if (history === undefined) return
  const wanted = history.versions.filter(({ version }) => numbers.includes(version))
  if (wanted.length === 0) return
  if (history.deleted_at !== undefined) {
    if (!wanted.some(({ version }) => version === history.active)) {
      throw new ProviderError('OPERATION_NOT_SUPPORTED')
    }
    await api.versions({ op: 'undelete', key })
  }
  for (const { version, state } of wanted) {
    if (state === 'deleted' || state === 'expired') {
      await api.versions({ op: 'undelete', key, version })
    }
  }
}

/** @throws ProviderError `PROVIDER_BUSY` when the versions change faster than they can be destroyed; SecregError */
export async function destroyVersionsOf(
  api: Changer,
  key: string,
  numbers: readonly number[],
): Promise<void> {
  for (let left = TRIES; left > 0; left--) {
    const history = await seenHistory(api, key)
    const versions = (history?.versions ?? [])
      .map(({ version }) => version)
      .filter((version) => numbers.includes(version))
    if (versions.length === 0) return
    const done = await unlessAbsent(api.versions({ op: 'destroy', key, versions }))
    if (done === 'hidden') throw new ProviderError('PROVIDER_ERROR')
    // One of them was dropped meanwhile, and with it nothing was destroyed.
    if (typeof done !== 'string') return
  }
  throw tooFast()
}

/** Undefined where there is no entry, or none that may be seen. */
async function seenHistory(api: Pick<Changer, 'history'>, key: string) {
  const history = await unlessAbsent(wholeHistory(api, key))
  return typeof history === 'string' ? undefined : history
}
