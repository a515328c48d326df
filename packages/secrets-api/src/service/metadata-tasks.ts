/** What is known of a secret besides its values, and its versions: specs secrets-api §2.5, E7 to E10, E12 and E13. */
import { SecretsApiError } from '../errors.ts'
import { listSecretKeys } from '../operations/list-secrets.ts'
import {
  assertWholeSecret,
  listSecretVersions,
  parseSecretOwner,
  readSecretMetadata,
  setSecretOwner,
} from '../operations/secret-metadata.ts'
import {
  destroySecretVersions,
  parseSecretVersions,
  undeleteSecretVersions,
} from '../operations/secret-versions.ts'
import type { SecretMetadata, VersionMetadata } from '../provider/provider.ts'
import { withParts } from '../uri/format-secret-uri.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import type { SingleTask } from './task.ts'

/** E7. */
export function keysTask(read: () => SecretUri): SingleTask {
  return {
    on: 'secret',
    operation: 'keys',
    prepare() {
      const uri = read()
      assertWholeSecret(uri)
      return {
        target: { uri },
        async run({ provider, call }) {
          const keys = await listSecretKeys(provider(uri.provider), uri, call)
          return { body: { uri: uri.canonical, keys }, facts: {} }
        },
      }
    },
  }
}

/** E8. */
export function metadataTask(read: () => SecretUri): SingleTask {
  return {
    on: 'secret',
    operation: 'metadata',
    prepare() {
      const uri = wholeOf(read())
      return {
        target: { uri },
        async run({ provider, call }) {
          const metadata = await readSecretMetadata(provider(uri.provider), uri, call)
          return { body: { uri: uri.canonical, ...metadataBody(metadata) }, facts: {} }
        },
      }
    },
  }
}

/** E9. @param timeMs - now, milliseconds since 1970 */
export function versionsTask(read: () => SecretUri, timeMs: () => number): SingleTask {
  return {
    on: 'secret',
    operation: 'versions',
    prepare() {
      const uri = wholeOf(read())
      return {
        target: { uri },
        async run({ provider, call }) {
          const found = await listSecretVersions(provider(uri.provider), uri, timeMs(), call)
          const versions = found.versions.map(({ version, state, ...item }) => {
            return { version, ...versionBody(item), state }
          })
          const body = { uri: uri.canonical, current_version: found.currentVersion, versions }
          return { body, facts: {} }
        },
      }
    },
  }
}

/** E10. @param read - what is to be named; another owner than one that can be named is refused */
export function ownerTask(
  read: () => { readonly uri: SecretUri; readonly owner: unknown },
): SingleTask {
  return {
    on: 'secret',
    operation: 'owner',
    prepare() {
      const { uri, owner } = read()
      const name = parseSecretOwner(owner)
      assertWholeSecret(uri)
      return {
        target: { uri },
        async run({ provider, call }) {
          await setSecretOwner(provider(uri.provider), uri, name, call)
          return { body: { status: 'ok', uri: uri.canonical, owner: name }, facts: {} }
        },
      }
    },
  }
}

/** E12 and E13. @param read - what is to be changed; other versions than numbers are refused */
export function changeVersionsTask(
  operation: 'undelete' | 'destroy-versions',
  read: () => { readonly uri: SecretUri; readonly versions: unknown },
): SingleTask {
  const [change, status] =
    operation === 'undelete'
      ? [undeleteSecretVersions, 'undeleted']
      : [destroySecretVersions, 'destroyed']
  return {
    on: 'secret',
    operation,
    prepare() {
      const { uri, versions } = read()
      const numbers = parseSecretVersions(versions)
      assertWholeSecret(uri)
      return {
        target: { uri },
        async run({ provider, call }) {
          await change(provider(uri.provider), uri, numbers, call)
          const body = { status, uri: uri.canonical, versions: numbers }
          return { body, facts: { versions: numbers } }
        },
      }
    },
  }
}

/**
 * The secret without its fragment, so that what is decided on is what is told.
 *
 * @throws SecretsApiError `VERSION_NOT_ALLOWED`
 */
function wholeOf(uri: SecretUri): SecretUri {
  if (uri.version !== undefined) throw new SecretsApiError('VERSION_NOT_ALLOWED')
  return withParts(uri, { fragment: undefined })
}

function metadataBody(metadata: SecretMetadata): Readonly<Record<string, unknown>> {
  const versions = metadata.versions.map((each) => [String(each.version), versionBody(each)])
  return {
    current_version: metadata.currentVersion,
    oldest_version: metadata.oldestVersion,
    created_time: metadata.createdTime,
    updated_time: metadata.updatedTime,
    max_versions: metadata.maxVersions,
    cas_required: metadata.casRequired,
    delete_version_after: metadata.deleteVersionAfter,
    custom_metadata: Object.fromEntries(metadata.customMetadata),
    versions: Object.fromEntries(versions),
  }
}

function versionBody({
  createdTime,
  deletionTime,
  destroyed,
}: Omit<VersionMetadata, 'version'>): Readonly<Record<string, unknown>> {
  return { created_time: createdTime, deletion_time: deletionTime, destroyed }
}
