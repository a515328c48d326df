/** Tokens that are bound to a certificate (RFC 8705 section 3), which a proxy in front has verified. In environment B. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CertificateMaker, createTempHome } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { expectCode, expectReply, type SecretsReply } from '../lib/secrets-call.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'

/** Address of the proxy. */
export const PROXY = '127.0.6.1'

const HEADER = 'X-Forwarded-Tls-Client-Cert'
const TEST = 'openbao+kv2://secret/app/test#value'

/** Base64 of the DER form, and its hash. */
function certificateIn(file: string): { readonly text: string; readonly thumbprint: string } {
  const { raw } = new X509Certificate(readFileSync(file))
  const thumbprint = createHash('sha256').update(raw).digest('base64url')
  return { text: raw.toString('base64'), thumbprint }
}

export function certificateCases(desk: () => SecretsDesk): void {
  describe('certificates', () => {
    test('a token that is bound to one is good with that one, from the proxy alone', async (context) => {
      await using home = createTempHome()
      const maker = CertificateMaker.in(home, context)
      const [mine, other] = [
        certificateIn((await maker.make('mine')).cert),
        certificateIn((await maker.make('other')).cert),
      ]
      const bound = { cnf: { 'x5t#S256': mine.thumbprint } }
      const ask = (
        shown: string | readonly string[] | undefined,
        from: string = PROXY,
      ): Promise<SecretsReply> =>
        desk().caller.value(TEST, desk().issuer.token('alice', ['secrets.read'], bound), {
          from,
          ...(shown === undefined ? {} : { headers: { [HEADER]: shown } }),
        })
      expectReply(await ask(mine.text), 200, { value: 'two' })
      for (const [what, reply] of Object.entries({
        'another one': await ask(other.text),
        none: await ask(undefined),
        'not the proxy': await ask(mine.text, '127.0.6.2'),
      })) {
        expectCode(reply, 401, 'SENDER_BINDING_MISMATCH', what)
      }
      expectReply(await ask([mine.text, mine.text]), 400, { code: 'INVALID_REQUEST' })
      expectReply(await ask('no certificate'), 400, { code: 'INVALID_REQUEST' })
    })

    test('nobody is let in by one', async (context) => {
      await using home = createTempHome()
      const maker = CertificateMaker.in(home, context)
      const { text } = certificateIn((await maker.make('nobody')).cert)
      const headers = { [HEADER]: text }
      const reply = await desk().caller.value(TEST, undefined, { headers, from: PROXY })
      expectCode(reply, 401, 'UNAUTHENTICATED')
      expect(reply.headers['www-authenticate']).toMatch(/^Bearer/)
    })
  })
}
