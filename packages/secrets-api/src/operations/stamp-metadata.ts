/** Who made a secret and who owns it: specs secrets-api §5.4. */
import type { ProviderCallOptions, SecretProvider } from '../provider/provider.ts'
import type { SecretPlace } from '../uri/secret-uri.ts'

/** Who writes, and when. */
export interface Author {
  /** Name of the subject, 1 to 512 bytes. */
  readonly subject: string
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/**
 * What became of the stamp: `failed` is to be counted and recorded, and fails nothing; `unneeded` where it was there, or
 * the provider has no such metadata.
 */
export type Stamped = 'done' | 'failed' | 'unneeded'

/** The members of custom metadata that are stamped, and that policy sees. */
export const STAMPED_MEMBERS: readonly ['created_by', 'created_at', 'owner'] = Object.freeze([
  'created_by',
  'created_at',
  'owner',
] as const)

/** Set those of {@link STAMPED_MEMBERS} that are not there. Never throws: the secret has been written. */
export async function stampMetadata(
  provider: SecretProvider,
  place: SecretPlace,
  author: Author,
  options: ProviderCallOptions,
): Promise<Stamped> {
  if (!provider.capabilities.customMetadata) return 'unneeded'
  try {
    const present = (await provider.metadata(place, options))?.customMetadata
    const stamp: Record<(typeof STAMPED_MEMBERS)[number], string> = {
      created_by: author.subject,
      created_at: new Date(author.nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      owner: author.subject,
    }
    const missing = Object.entries(stamp).filter(([name]) => present?.has(name) !== true)
    if (missing.length === 0) return 'unneeded'
    await provider.patchMetadata(place, new Map(missing), options)
    return 'done'
  } catch {
    return 'failed'
  }
}
