/** What a provider answers to all that it does not have. */
import { ProviderError } from '../errors.ts'
import type { SecretProvider } from './provider.ts'

async function refuse(): Promise<never> {
  throw new ProviderError('OPERATION_NOT_SUPPORTED')
}

/** Methods that refuse with `OPERATION_NOT_SUPPORTED`, for providers to put their own over. */
export const UNSUPPORTED_OPERATIONS: Omit<SecretProvider, 'name' | 'capabilities'> = Object.freeze({
  read: refuse,
  readVersion: refuse,
  write: refuse,
  remove: refuse,
  destroy: refuse,
  undelete: refuse,
  destroyVersions: refuse,
  metadata: refuse,
  patchMetadata: refuse,
  list: refuse,
  entries: refuse,
})
