/** What the stand-in does wrong when a test wants it to. */
import type { ServerResponse } from 'node:http'
import type { SeenRequest } from './seen-request.ts'

/** One thing that goes wrong. */
export type Kv2Fault =
  /** An answer of this status, without any work; `errors` default to none. */
  | {
      readonly kind: 'status'
      readonly status: number
      readonly errors?: readonly string[]
      readonly headers?: Readonly<Record<string, string>>
      /** The work is done all the same. */
      readonly done?: boolean
    }
  /** Sent elsewhere: to this base, with the path and query of the request unless told otherwise. */
  | {
      readonly kind: 'redirect'
      readonly to: string
      readonly status?: number
      readonly target?: string
    }
  /** A body that is not what the operation answers. Default text: no JSON. */
  | { readonly kind: 'garbage'; readonly text?: string | Uint8Array; readonly status?: number }
  /** A body of so many bytes, of JSON as far as one can see. */
  | { readonly kind: 'huge'; readonly bytes: number }
  /** The connection is cut; `done`: after the work. */
  | { readonly kind: 'reset'; readonly done?: boolean }
  /** Half of the body, and the connection is cut. */
  | { readonly kind: 'truncate' }
  /** As ever, but later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** As ever, but not before this. */
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }

interface Planned {
  readonly fault: Kv2Fault
  readonly when: (request: SeenRequest) => boolean
  left: number
}

export class FaultPlan {
  readonly #planned: Planned[] = []

  add(fault: Kv2Fault, times: number, when: (request: SeenRequest) => boolean): () => void {
    const planned = { fault, when, left: times }
    this.#planned.push(planned)
    return () => {
      planned.left = 0
    }
  }

  /** The next one for a request, which is used up by that. */
  take(request: SeenRequest): Kv2Fault | undefined {
    const planned = this.#planned.find(({ left, when }) => left > 0 && when(request))
    if (planned === undefined) return undefined
    planned.left--
    return planned.fault
  }
}

const CHUNK = Buffer.from(`"${'x'.repeat(64 * 1024 - 3)}",`)

/**
 * Send many bytes, no faster than they are taken.
 *
 * @returns how many were sent, which is fewer when the other side goes away
 */
export async function sendHuge(response: ServerResponse, bytes: number): Promise<number> {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"data":{"data":{"list":[')
  let sent = 0
  while (sent < bytes && !response.destroyed) {
    sent += CHUNK.length
    if (!response.write(CHUNK)) {
      await new Promise<void>((resolve) => {
        const go = (): void => {
          response.off('drain', go)
          response.off('close', go)
          resolve()
        }
        response.on('drain', go)
        response.on('close', go)
      })
    }
  }
  response.end('null]}}}')
  return sent
}
