/** What may be asked at the door of the zones: about zones, and nothing else. */
import { type Caller, type RegistryApi, SecregError } from '@secreg/protocol'
import type { Journal } from '../journal.ts'
import { mapApi } from '../map-api.ts'
import { recorded } from '../recorded.ts'

export function zoneDoorApi(journal: Journal, caller: Caller, api: RegistryApi): RegistryApi {
  return mapApi(api, (name, run) => {
    if (name === 'zone') return run
    return () =>
      recorded<never>(journal, caller, { action: 'admin', detail: `subauth ${name}` }, () => {
        throw new SecregError('ACCESS_DENIED', 'only zones are served here')
      })
  })
}
