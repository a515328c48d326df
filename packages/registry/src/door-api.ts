/** What may be asked at the doors of one purpose: what that is, and nothing else. */
import { type Caller, type Door, type RegistryApi, SecregError } from '@secreg/protocol'
import type { Journal } from './journal.ts'
import { type Method, mapApi } from './map-api.ts'
import { recorded } from './recorded.ts'

interface Served {
  readonly methods: ReadonlySet<Method>
  readonly refusal: string
}

const SERVED: Partial<Record<Door, Served>> = Object.freeze({
  subauth: { methods: new Set<Method>(['zone']), refusal: 'only zones are served here' },
  libvirt: {
    methods: new Set<Method>(['get', 'list', 'meta', 'dialect']),
    refusal: 'only secrets of libvirt are served here',
  },
})

/** The registry for a caller at his door. */
export function doorApi(journal: Journal, caller: Caller, api: RegistryApi): RegistryApi {
  const { door } = caller
  const served = SERVED[door]
  if (served === undefined) return api
  return mapApi(api, (name, run) => {
    if (served.methods.has(name)) return run
    return () =>
      recorded<never>(journal, caller, { action: 'admin', detail: `${door} ${name}` }, () => {
        throw new SecregError('ACCESS_DENIED', served.refusal)
      })
  })
}
