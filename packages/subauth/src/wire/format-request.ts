/** From a request to a packet. */
import type { SubauthRequest } from './request.ts'

const encoder = new TextEncoder()

/**
 * Write a request.
 *
 * @param name - of the command when it is another than the canonical one
 * @returns bytes of the caller's own, without white space or an end mark
 */
export function formatRequest(request: SubauthRequest, name: string = request.cmd): Uint8Array {
  const { cmd: _, ...fields } = request
  const flag = 'allow' in fields ? { allow: fields.allow ? 1 : 0 } : {}
  return encoder.encode(JSON.stringify({ cmd: name, ...fields, ...flag }))
}
