/** From one secret to another: specs secrets-api §2.5, E15 and E16. */
import { assertCopyable, copySecret, moveSecret, type SecretAt } from '../operations/copy-secret.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import type { Done, Task } from './task.ts'

/** E15 and E16. */
export function transferTask(
  operation: 'copy' | 'move',
  read: () => { readonly from: SecretUri; readonly to: SecretUri; readonly overwrite: boolean },
): Task {
  return {
    on: 'transfer',
    operation,
    prepare() {
      const { from, to, overwrite } = read()
      assertCopyable(from, to, operation)
      return {
        target: { from, to },
        async run({ provider, author }): Promise<Done> {
          const at = (uri: SecretUri): SecretAt => ({ provider: provider(uri.provider), uri })
          const options = { ...author, overwrite }
          const made =
            operation === 'copy'
              ? { ...(await copySecret(at(from), at(to), options)), deleted: undefined }
              : await moveSecret(at(from), at(to), options)
          const { version, created, stamped, sourceVersion, deleted } = made
          return {
            body: {
              status: operation === 'copy' ? 'copied' : 'moved',
              fromUri: from.canonical,
              toUri: to.canonical,
              version,
            },
            facts: {
              version,
              created,
              sourceVersion,
              ...(deleted === undefined ? {} : { deleted }),
            },
            stamped,
          }
        },
      }
    },
  }
}
