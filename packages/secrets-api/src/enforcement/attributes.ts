/** What policy sees of a secret besides its name (specs: secrets-api §3.7, §5.4): from its provider alone. */
import { STAMPED_MEMBERS } from '../operations/stamp-metadata.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import type { SecretAttributes } from './decision.ts'
import type { ProviderGateOptions } from './provider-gate.ts'

/** Reads attributes. */
export interface AttributesPort {
  /**
   * @param signal - aborted when nobody waits any more
   * @param principal - of the caller; undefined where he has none
   * @returns undefined where there are none
   * @throws anything: then it is decided without
   */
  attributesOf(
    uri: SecretUri,
    signal: AbortSignal,
    principal?: object | undefined,
  ): Promise<SecretAttributes | undefined>
}

/** Read the stamped members of the custom metadata. */
export function providerAttributes(providerOf: ProviderGateOptions['providerOf']): AttributesPort {
  return {
    async attributesOf(uri, signal, principal) {
      const provider = providerOf(uri.provider, principal)
      if (provider?.capabilities.customMetadata !== true) return undefined
      const { mount, segments } = uri
      const members = (await provider.metadata({ mount, segments }, { signal }))?.customMetadata
      if (members === undefined) return undefined
      const texts = STAMPED_MEMBERS.map((name) => [name, members.get(name)] as const)
      return Object.fromEntries(texts.filter(([, text]) => typeof text === 'string'))
    },
  }
}

/** Secrets whose attributes are read at the same time. */
export const ATTRIBUTES_AT_ONCE = 8

/** Read the attributes of several; what fails, or has not come when the signal is aborted, is undefined. */
export async function readAttributes(
  port: AttributesPort,
  uris: readonly (SecretUri | undefined)[],
  signal: AbortSignal,
  principal?: object | undefined,
): Promise<readonly (SecretAttributes | undefined)[]> {
  // Keys and versions of a secret share its metadata.
  const places = new Map(uris.flatMap((uri) => (uri === undefined ? [] : [[uri.path, uri]])))
  const found = new Map<string, SecretAttributes | undefined>()
  const left = places.values()
  const work = async (): Promise<void> => {
    for (const uri of left) {
      if (signal.aborted) return
      try {
        found.set(uri.path, await port.attributesOf(uri, signal, principal))
      } catch {}
    }
  }
  const workers = Array.from({ length: Math.min(ATTRIBUTES_AT_ONCE, places.size) }, work)
  let forget = (): void => {}
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    const onAbort = (): void => resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    forget = () => signal.removeEventListener('abort', onAbort)
  })
  await Promise.race([Promise.all(workers), aborted])
  forget()
  return uris.map((uri) => uri && found.get(uri.path))
}
