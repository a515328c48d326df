/** One decoded request, done (specs/setec.md §1.3). */

import { SecregError } from '@secreg/protocol'
import type { SetecOperation } from '../api/operation.ts'
import { isReservedName } from '../api/secret.ts'
import { refuse, type SetecAnswer, success, UNCHANGED } from './answer.ts'
import type { SetecRequest } from './decode-request.ts'
import { encodeInfo, encodeList, encodeValue } from './encode-answer.ts'
import type { PortValue, SetecPort } from './port.ts'
import { NAME_RESERVED, NO_NAME, NO_VERSION, type Refusal, refusalOf } from './refusal.ts'

/** Answer of what has nothing to tell. Its documentation says `null`; the server itself has always said this. */
const DONE = '{}'

/** Do what is asked. Never fails: a failure is an answer. */
export async function perform(
  port: SetecPort,
  operation: SetecOperation,
  request: SetecRequest,
): Promise<SetecAnswer> {
  const mistake = mistakeOf(operation, request)
  if (mistake !== undefined) return refuse(mistake)
  try {
    const body = await PERFORM[operation](port, request)
    return body === undefined ? UNCHANGED : success(body)
  } catch (error) {
    return refuse(refusalFor(error, operation, request), error)
  }
}

/** @returns what is answered; `undefined`: unchanged */
type Performer = (port: SetecPort, request: SetecRequest) => Promise<string | undefined>

const PERFORM: Readonly<Record<SetecOperation, Performer>> = Object.freeze({
  list: async (port) => encodeList(await port.list()),
  get: async (port, request) => {
    const found = await get(port, request)
    return found === undefined ? undefined : encodeValue(found)
  },
  info: async (port, { name }) => encodeInfo(await port.info(name)),
  put: async (port, { name, value }) => String(await port.put(name, value)),
  'create-version': async (port, { name, version, value }) => {
    await port.createVersion(name, version, value)
    return DONE
  },
  activate: async (port, { name, version }) => {
    await port.activate(name, version)
    return DONE
  },
  delete: async (port, { name }) => {
    await port.delete(name)
    return DONE
  },
  'delete-version': async (port, { name, version }) => {
    await port.deleteVersion(name, version)
    return DONE
  },
})

/** With the number of what the caller has, the active version or nothing; else the version that is named. */
function get(
  port: SetecPort,
  { name, version, updateIfChanged }: SetecRequest,
): Promise<PortValue | undefined> {
  return updateIfChanged && version !== 0
    ? port.getIfChanged(name, version)
    : port.get(name, version)
}

/** Mistakes that setec tells before it looks at permissions. */
function mistakeOf(
  operation: SetecOperation,
  { name, version }: SetecRequest,
): Refusal | undefined {
  switch (operation) {
    case 'put':
    case 'activate':
      return name === '' ? NO_NAME : undefined
    case 'create-version':
      if (name === '') return NO_NAME
      return version === 0 ? NO_VERSION : undefined
    default:
      return undefined
  }
}

function refusalFor(error: unknown, operation: SetecOperation, request: SetecRequest): Refusal {
  if (SecregError.is(error) && error.reason === 'INVALID_ARGUMENT') {
    if (isReservedName(request.name)) return NAME_RESERVED
    const needsVersion = operation === 'activate' || operation === 'delete-version'
    if (needsVersion && request.version === 0) return NO_VERSION
  }
  return refusalOf(error)
}
