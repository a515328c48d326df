/** Who stands behind what the registry does by itself, as recorded. No policy is asked for them. */
import type { Caller } from '@secreg/protocol'

/** @param part - which part of the registry it is */
export function internalCaller(part: string): Caller {
  return Object.freeze({
    principals: Object.freeze([]),
    roles: Object.freeze([]),
    groups: Object.freeze([]),
    mfa: false,
    door: 'internal',
    address: part,
    proof: 'kernel',
    login: 'secregd',
  })
}
