/** Documents of issuers, over a real egress child. */
import { readFileSync } from 'node:fs'
import { CertificateMaker, createTempHome } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Egress } from '../../src/egress/egress-process.ts'
import { fetchJson } from '../../src/secrets-api/fetch-json.ts'
import { buildEgress, type EgressProgram } from '../egress-program.ts'
import { serveHttp } from '../http-server.ts'

let program: EgressProgram
let egress: Egress
beforeAll(async () => {
  program = await buildEgress({ kafkajs: false })
  egress = new Egress({ command: program.command })
})
afterAll(async () => {
  await egress.close()
  program[Symbol.dispose]()
})

const home = createTempHome()
afterAll(() => home.remove())

const code = (word: string): unknown => expect.objectContaining({ code: `ERR_OUTBOUND_${word}` })

describe('keys of an issuer', () => {
  const fetchOf = (url: string, more: object = {}) =>
    fetchJson(url, { egress, ca: undefined, timeoutMs: 30_000, ...more })

  test('are an object, whatever type it is sent as', async () => {
    const seen: unknown[] = []
    const server = await serveHttp(({ method, url, headers }, response) => {
      seen.push(method, url, headers.accept, headers.authorization)
      response.end('{"keys":[]}')
    })
    expect(await fetchOf(`${server.url}/jwks?v=1`)).toEqual({ keys: [] })
    expect(seen).toEqual(['GET', '/jwks?v=1', 'application/json', undefined])
  })

  test.each<[string, string, number, string]>([
    ['a list', '[]', 200, 'ANSWER'],
    ['nothing', 'null', 200, 'ANSWER'],
    ['a name twice', '{"keys":[],"keys":[]}', 200, 'ANSWER'],
    ['more than 256 KiB', `{"keys":"${'x'.repeat(256 * 1024)}"}`, 200, 'ANSWER'],
    ['a status of failure', '{"keys":[]}', 404, 'STATUS'],
    ['a redirect', '{"keys":[]}', 302, 'STATUS'],
  ])('are not %s', async (_, body, status, word) => {
    const server = await serveHttp((_request, response) => {
      response.writeHead(status, { location: '/' }).end(body)
    })
    await expect(fetchOf(server.url)).rejects.toEqual(code(word))
  })

  test('are fetched over TLS, and from whom they should be', async (context) => {
    await expect(fetchOf('http://idp.example/')).rejects.toThrow(RangeError)
    const maker = CertificateMaker.in(home, context)
    const issuer = await maker.make('authority', { authority: true })
    const made = await maker.make('server', { issuer, usage: 'serverAuth' })
    const tls = { key: readFileSync(made.key, 'utf8'), cert: readFileSync(made.cert, 'utf8') }
    const server = await serveHttp((_, response) => void response.end('{"keys":[]}'), tls)
    await expect(fetchOf(server.url)).rejects.toThrow(/cannot be reached \(TLS_FAILED\)$/)
    const ca = readFileSync(issuer.cert, 'utf8')
    expect(await fetchOf(server.url, { ca })).toEqual({ keys: [] })
  })

  test('are waited for as long as is said', async () => {
    const server = await serveHttp(() => {})
    await expect(fetchOf(server.url, { timeoutMs: 50 })).rejects.toEqual(code('TIMEOUT'))
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(fetchOf(server.url, { signal })).rejects.toThrow('enough')
  })
})
