/** Where figures may be served: a Unix socket, or a port that only this machine reaches. */
import * as z from 'zod'
import { SOCKET_PATH, type TextRule } from './config-row.ts'

/** A parsed `metrics.listen`. */
export type MetricsAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: '127.0.0.1' | '::1'; readonly port: number }

/** A name is never looked up: it could lead out of the machine. */
const LOOPBACK = /^(?:(127\.0\.0\.1)|\[(::1)\]):([1-9][0-9]{0,4})$/

/**
 * Parse an address that figures may be served at.
 *
 * @returns `undefined` for anything but an absolute path that fits a socket, `127.0.0.1:PORT` and `[::1]:PORT`
 */
export function parseMetricsAddress(text: string): MetricsAddress | undefined {
  const [, v4, v6, digits] = LOOPBACK.exec(text) ?? []
  if (digits !== undefined) {
    const port = Number(digits)
    if (port > 65_535) return undefined
    return { kind: 'tcp', host: v4 === undefined && v6 !== undefined ? '::1' : '127.0.0.1', port }
  }
  const isSocket = SOCKET_PATH.schema.safeParse(text).success && !text.endsWith('/')
  return isSocket ? { kind: 'unix', path: text } : undefined
}

export const METRICS_ADDRESS: TextRule<string> = {
  expected: `${SOCKET_PATH.expected}, "127.0.0.1:PORT" or "[::1]:PORT"`,
  schema: z.string().refine((value) => parseMetricsAddress(value) !== undefined),
}
