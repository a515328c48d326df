/**
 * Removal and destruction of entries under a check. A transaction compares and deletes in one step, so that of all
 * changes with one token, one is made. The registry's purge has no check of its own: it follows upon that step, or upon
 * a comparison of what is gone already, and takes with it what somebody writes in between.
 */
import { ProviderError } from '../errors.ts'
import type { StateToken } from '../provider/provider.ts'
import type { RegistryProviderApi } from './provider-api.ts'
import { tooFast, unlessAbsent } from './provider-errors.ts'
import { TRIES } from './see-entry.ts'
import { parseToken } from './state-token.ts'

type Remover = Pick<RegistryProviderApi, 'get' | 'txn' | 'versions'>

/**
 * Delete an entry that can be read; with it, every version of it is deleted.
 *
 * @throws ProviderError `CAS_MISMATCH`, `PROVIDER_ERROR`, `PROVIDER_BUSY`; SecregError
 */
export async function removeEntry(api: Remover, key: string, cas: StateToken): Promise<void> {
  const state = parseToken(cas)
  if (state?.kind !== 'found') throw new ProviderError('CAS_MISMATCH')
  for (let left = TRIES; left > 0; left--) {
    // Without its value: the number and the revision are enough.
    const got = await unlessAbsent(api.get({ key }))
    if (got === 'hidden') throw new ProviderError('PROVIDER_ERROR')
    if (typeof got === 'string' || got.version !== state.version) {
      throw new ProviderError('CAS_MISMATCH')
    }
    const { succeeded } = await api.txn({
      compare: [{ key, revision: got.modify_revision }],
      then: [{ op: 'delete', key }],
    })
    if (succeeded) return
  }
  throw tooFast()
}

/**
 * Purge an entry; its numbers stay used.
 *
 * @throws as {@link removeEntry}
 */
export async function destroyEntry(api: Remover, key: string, cas: StateToken): Promise<void> {
  const state = parseToken(cas)
  if (state === undefined) throw new ProviderError('CAS_MISMATCH')
  if (state.kind === 'found') await removeEntry(api, key, cas)
  else await requireGone(api, key, state.version)
  const done = await unlessAbsent(api.versions({ op: 'purge', key }))
  if (done === 'hidden') throw new ProviderError('PROVIDER_ERROR')
  // What was deleted here, and purged by another before it was purged here, is gone as it shall be.
  if (typeof done === 'string' && state.kind === 'gone') throw new ProviderError('CAS_MISMATCH')
}

async function requireGone(api: Remover, key: string, latest: number): Promise<void> {
  const { succeeded } = await api.txn({
    compare: [
      { key, revision: 0 },
      { key, version: latest },
    ],
  })
  if (!succeeded) throw new ProviderError('CAS_MISMATCH')
}
