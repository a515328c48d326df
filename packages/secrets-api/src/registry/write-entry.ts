/**
 * Writes of entries. What is new is JSON; what is there keeps its type. All that is written is encrypted, whatever it
 * was before. A check and its write are one step: either the registry compares what the state token says, or it compares
 * the revision of what was looked at, and where that has changed, it is looked at again.
 */
import { type RequestOf, SecregError, type SetResponse } from '@secreg/protocol'
import { ProviderError } from '../errors.ts'
import type { SecretMap } from '../provider/json-value.ts'
import type { StateToken, WrittenSecret } from '../provider/provider.ts'
import { objectText, scalarText, textOver } from './entry-value.ts'
import type { RegistryProviderApi } from './provider-api.ts'
import { tooFast, unlessAbsent, unlessConflict } from './provider-errors.ts'
import { TRIES, textOf } from './see-entry.ts'
import { parseToken } from './state-token.ts'

type Writer = Pick<RegistryProviderApi, 'get' | 'set' | 'meta' | 'history'>
type Checks = Pick<RequestOf<'set'>, 'if_version' | 'if_revision' | 'if_type'>

/** @returns undefined when a check does not hold */
function put(
  api: Writer,
  key: string,
  value: { readonly type: string; readonly value: string },
  checks: Checks,
): Promise<SetResponse | undefined> {
  return unlessConflict(api.set({ key, ...value, encrypt: true, ...checks }))
}

/**
 * Write if the state is the one of a token.
 *
 * @throws ProviderError `CAS_MISMATCH`, `INCOMPATIBLE_PAYLOAD`, `PROVIDER_BUSY`; SecregError
 */
export async function writeOver(
  api: Writer,
  key: string,
  data: SecretMap,
  cas: StateToken,
): Promise<WrittenSecret> {
  const state = parseToken(cas)
  if (state === undefined) throw new ProviderError('CAS_MISMATCH')
  if (state.kind === 'gone') {
    const { version: latest } = state
    // Revision 0: there is nothing that can be read.
    const checks = { if_revision: 0, if_version: latest }
    const done = await put(api, key, { type: 'json', value: objectText(data) }, checks)
    if (done === undefined) throw new ProviderError('CAS_MISMATCH')
    return { version: done.version, first: latest === 0 }
  }
  for (let left = TRIES; left > 0; left--) {
    const got = await unlessAbsent(api.get({ key, decrypt: true }))
    if (got === 'hidden') throw new ProviderError('PROVIDER_ERROR')
    if (typeof got === 'string' || got.version !== state.version) {
      throw new ProviderError('CAS_MISMATCH')
    }
    const { type, modify_revision } = got
    const value = textOver(type, textOf(got.value), data)
    const done = await put(api, key, { type, value }, { if_revision: modify_revision })
    if (done !== undefined) return { version: done.version, first: false }
  }
  throw tooFast()
}

/**
 * Write whatever is there. Nothing is read where that is a map, or nothing.
 *
 * @throws ProviderError `INCOMPATIBLE_PAYLOAD`, `PROVIDER_BUSY`; SecregError
 */
export async function writeAnyway(
  api: Writer,
  key: string,
  data: SecretMap,
): Promise<WrittenSecret> {
  const map = { type: 'json', value: objectText(data) }
  for (let left = TRIES; left > 0; left--) {
    const over = await overJson(api, key, map)
    if (over !== undefined) return { version: over.version, first: false }
    const made = await put(api, key, map, { if_revision: 0, if_version: 0 })
    if (made !== undefined) return { version: made.version, first: true }
    const other = await overOther(api, key, data, map)
    if (other !== undefined) return { version: other.version, first: false }
  }
  throw tooFast()
}

async function overJson(
  api: Writer,
  key: string,
  map: { readonly type: string; readonly value: string },
): Promise<SetResponse | undefined> {
  const checks = { if_type: 'json' }
  const done = await unlessVersionRequired(put(api, key, map, checks))
  if (done !== 'required') return done
  const latest = await latestOf(api, key)
  return latest === undefined ? undefined : put(api, key, map, { ...checks, if_version: latest })
}

/** An entry of another type, or one that is deleted, which is then nothing to keep the type of. */
async function overOther(
  api: Writer,
  key: string,
  data: SecretMap,
  map: { readonly type: string; readonly value: string },
): Promise<SetResponse | undefined> {
  const meta = await unlessAbsent(api.meta({ op: 'get', key }))
  if (meta === 'hidden') throw new ProviderError('INCOMPATIBLE_PAYLOAD')
  if (typeof meta === 'string') {
    const latest = await latestOf(api, key)
    return latest === undefined
      ? undefined
      : put(api, key, map, { if_revision: 0, if_version: latest })
  }
  const { type, latest } = meta
  if (type === 'json') return undefined
  const value = { type, value: scalarText(type, data) }
  return put(api, key, value, { if_type: type, if_version: latest })
}

/** Latest number that was used, deleted or not; undefined where there is no entry. */
async function latestOf(api: Writer, key: string): Promise<number | undefined> {
  const history = await unlessAbsent(api.history({ key, limit: 1 }))
  return typeof history === 'string' ? undefined : history.latest
}

async function unlessVersionRequired<T>(call: Promise<T>): Promise<T | 'required'> {
  try {
    return await call
  } catch (error) {
    if (SecregError.is(error) && error.reason === 'VERSION_REQUIRED') return 'required'
    throw error
  }
}
