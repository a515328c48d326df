/** A connection to the registry, as far as a source needs one. */
import type { GetResponse, RequestOf } from '@secreg/protocol'

/** What a watch of the registry gives: the keys of what changed. */
export type RegistryChanges = AsyncIterable<{
  readonly events: readonly { readonly key: string }[]
}>

/** What this needs of a connection to the registry; a `RegistryConnection` of `@secreg/client` has it. */
export interface RegistryPort {
  get(request: RequestOf<'get'>, options?: { readonly signal?: AbortSignal }): Promise<GetResponse>
  /** Fulfilled when the watch stands. Leaving its iteration ends it. */
  watch?(
    request: { readonly key: string },
    options?: { readonly signal?: AbortSignal },
  ): Promise<RegistryChanges> | RegistryChanges
  /** It is lost or closed, and does not come back. */
  readonly closed?: boolean
  close?(): Promise<void>
}
