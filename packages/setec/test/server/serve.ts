/** Requests to the server half, and what they are told. */
import { type SetecAnswer, type SetecHead, type SetecPort, serveSetec } from '@secreg/setec/server'
import { memorySetec } from '../../src/server/memory-port.ts'

export const HEAD: SetecHead = {
  method: 'POST',
  path: '/api/get',
  contentType: 'application/json',
  guard: 'setec',
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

export const told = ({ status, body }: SetecAnswer): string => `${status} ${body.trimEnd()}`

/** A port of which every method fails. */
export function failing(error: unknown): SetecPort {
  const fail = () => Promise.reject(error)
  return {
    list: fail,
    get: fail,
    getIfChanged: fail,
    info: fail,
    put: fail,
    createVersion: fail,
    activate: fail,
    deleteVersion: fail,
    delete: fail,
  }
}

interface Asked {
  readonly head?: Partial<SetecHead>
  readonly body?: unknown
  /** Default: an empty one in memory, where everything is allowed. */
  readonly port?: SetecPort
}

export function serve({ head = {}, body = {}, port }: Asked): Promise<SetecAnswer> {
  return serveSetec(
    { ...HEAD, ...head },
    {
      identify: async () => port ?? memorySetec().portFor(() => true),
      readBody: async () => bytesOf(JSON.stringify(body)),
    },
  )
}
