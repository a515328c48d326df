/** Values: specs secrets-api §2.5, E1 to E5. */
import { SecretsApiError } from '../errors.ts'
import { deleteSecret } from '../operations/delete-secret.ts'
import { payloadOf } from '../operations/payload.ts'
import { readSecret } from '../operations/read-secret.ts'
import { rotateSecret } from '../operations/rotate-secret.ts'
import { writeSecret } from '../operations/write-secret.ts'
import { isJsonObject, type JsonValue } from '../provider/json-value.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import type { SingleTask } from './task.ts'

/** E1. @param read - what is to be written; `cas` is a number of a version, or the request is refused */
export function writeTask(
  read: () => { readonly uri: SecretUri; readonly value: JsonValue; readonly cas?: unknown },
): SingleTask {
  return {
    on: 'secret',
    operation: 'write',
    prepare() {
      const { uri, value, cas } = read()
      payloadOf(uri, value)
      const check = cas === undefined ? {} : { cas: versionNumber(cas) }
      return {
        target: { uri },
        async run({ provider, author }) {
          const options = { ...author, ...check }
          const made = await writeSecret(provider(uri.provider), uri, value, options)
          const { version, created, stamped } = made
          const body = { status: 'ok', uri: uri.canonical, version }
          return { body, facts: { version, created }, stamped }
        },
      }
    },
  }
}

/** E2: the value in `value`, or the whole map as it is. */
export function readTask(read: () => SecretUri): SingleTask {
  return {
    on: 'secret',
    operation: 'read',
    prepare() {
      const uri = read()
      return {
        target: { uri },
        async run({ provider, call }) {
          const { value, version } = await readSecret(provider(uri.provider), uri, call)
          const whole = uri.fragment === undefined && isJsonObject(value)
          return { body: whole ? value : { value }, facts: { version } }
        },
      }
    },
  }
}

/** E3. */
export function valueTask(read: () => SecretUri): SingleTask {
  return {
    on: 'secret',
    operation: 'value',
    prepare() {
      const uri = read()
      return {
        target: { uri },
        async run({ provider, call }) {
          const { value, version } = await readSecret(provider(uri.provider), uri, call)
          return { body: { uri: uri.canonical, value, version }, facts: { version } }
        },
      }
    },
  }
}

/** E4. */
export function deleteTask(operation: 'delete' | 'destroy', read: () => SecretUri): SingleTask {
  return {
    on: 'secret',
    operation,
    prepare() {
      const uri = read()
      if (uri.version !== undefined) throw new SecretsApiError('VERSION_NOT_ALLOWED')
      return {
        target: { uri },
        async run({ provider, call }) {
          const options = { ...call, destroy: operation === 'destroy' }
          const deleted = await deleteSecret(provider(uri.provider), uri, options)
          const { status, mode, version } = deleted
          return { body: { status, uri: uri.canonical, mode, version }, facts: { deleted } }
        },
      }
    },
  }
}

/** E5. */
export function rotateTask(
  read: () => { readonly uri: SecretUri; readonly value: JsonValue },
): SingleTask {
  return {
    on: 'secret',
    operation: 'rotate',
    prepare() {
      const { uri, value } = read()
      payloadOf(uri, value)
      return {
        target: { uri },
        async run({ provider, author }) {
          const made = await rotateSecret(provider(uri.provider), uri, value, author)
          const { oldVersion, newVersion, created, stamped } = made
          return {
            body: {
              status: 'rotated',
              uri: uri.canonical,
              old_version: oldVersion,
              new_version: newVersion,
            },
            facts: { version: newVersion, oldVersion, created },
            stamped,
          }
        },
      }
    },
  }
}

/** @throws SecretsApiError `INVALID_REQUEST` */
function versionNumber(cas: unknown): number {
  if (!Number.isSafeInteger(cas) || Number(cas) < 0) throw new SecretsApiError('INVALID_REQUEST')
  return Number(cas)
}
