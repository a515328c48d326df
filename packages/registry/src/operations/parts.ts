/**
 * Reads of which a door makes up the answer to something else: to say why it was refused, or what an event is about. That
 * leaves its record, and one operation leaves one (DESIGN §2); these leave none. They are decided like any other.
 */
import type { Caller, RegistryApi, RequestOf } from '@secreg/protocol'
import type { Core } from '../core.ts'
import { listed } from './list.ts'
import { seenMeta } from './meta.ts'

type SeenMeta = Exclude<RequestOf<'meta'>, { op: 'set' }>

/** Looking, without a record. */
export interface PartReads extends Pick<RegistryApi, 'list'> {
  meta(request: SeenMeta): ReturnType<RegistryApi['meta']>
}

/** For one caller, as part of operations of his that leave their records. */
export function partReads(core: Core, caller: Caller): PartReads {
  return {
    list: (request) => listed(core, caller, request, {}),
    meta: (request) => seenMeta(core, caller, request),
  }
}
