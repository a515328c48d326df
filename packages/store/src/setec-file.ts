/**
 * Files of secrets in the format of setec's FileClient, which its cache files are too.
 *
 *   {"<name>":{"secret":{"Value":"<base64>","TextValue":"<text>","Version":<n>}}}
 */
import { isObject, parseObject, readBase64 } from './cache-format.ts'
import { StoreError } from './errors.ts'
import type { SecretValue } from './source.ts'

/**
 * Parse such a file. `TextValue` wins when it is not empty. What has no secret, no value or no version above 0 is
 * passed over, as setec does.
 *
 * @throws StoreError `ERR_STORE_FORMAT`
 */
export function parseSetecFile(bytes: Uint8Array): Record<string, SecretValue> {
  const found: [string, SecretValue][] = []
  for (const [name, member] of Object.entries(parseObject(bytes, 'the file of secrets'))) {
    const secret = isObject(member) ? member['secret'] : undefined
    if (name === '' || !isObject(secret)) continue
    const { Value: encoded, TextValue: text, Version: version } = secret
    if (!Number.isSafeInteger(version) || (version as number) <= 0) continue
    const value =
      typeof text === 'string' && text !== '' ? new TextEncoder().encode(text) : readBase64(encoded)
    if (value === undefined) {
      throw new StoreError('ERR_STORE_FORMAT', `the value of ${JSON.stringify(name)} is not base64`)
    }
    if (value.length > 0) found.push([name, { value, version: version as number }])
  }
  return Object.fromEntries(found)
}
