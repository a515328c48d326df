/** Bodies of conformance cases; `{"@gen":"kind:n"}` stands for a large one. */
import { isObject } from './refusal.ts'

const KINDS: Readonly<Record<string, (n: number) => string>> = Object.freeze({
  keys: (n) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, `v${i}`]))),
  string: (n) => JSON.stringify({ k: 'x'.repeat(n) }),
  'nested-arrays': (n) => `{"data":{"k":${'['.repeat(n)}${']'.repeat(n)}}}`,
  'raw-bytes': (n) => 'x'.repeat(n),
  'number-digits': (n) => `{"data":{"k":${'1'.repeat(n)}}}`,
})

/** Text of a body: an object as JSON, a string as it is. */
export function bodyText(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') return body
  const whole = generated(body)
  if (whole !== undefined) return whole
  const data = isObject(body) ? generated(body['data']) : undefined
  return data === undefined ? JSON.stringify(body) : `{"data":${data}}`
}

function generated(value: unknown): string | undefined {
  if (!isObject(value) || typeof value['@gen'] !== 'string') return undefined
  const [kind = '', count = ''] = value['@gen'].split(':')
  const make = KINDS[kind]
  if (make === undefined) throw new Error(`@gen: unknown kind ${kind}`)
  return make(Number(count))
}
