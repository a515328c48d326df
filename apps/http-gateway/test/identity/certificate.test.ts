import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createTempHome, requireProgram, runChild } from '@secreg/testkit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { certificateAssertion } from '../../src/identity/certificate.ts'

it('is the fingerprint that openssl prints, of this very certificate', async (context) => {
  const openssl = requireProgram(context, 'openssl')
  await using home = createTempHome()
  const key = home.file('key.pem')
  const make = async (name: string): Promise<string> => {
    const out = home.file(name)
    const more = ['-keyout', key, '-out', out, '-subj', '/CN=alice', '-days', '2', '-nodes']
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
    await runChild(openssl, ['req', '-x509', ...ec, ...more])
    return out
  }
  const file = await make('a.pem')
  const { stdout } = await runChild(openssl, [
    'x509',
    '-in',
    file,
    '-noout',
    '-fingerprint',
    '-sha256',
  ])
  const printed = stdout.replace(/^.*=/, '').replaceAll(':', '').trim().toLowerCase()
  const der = async (path: string): Promise<Uint8Array> =>
    new X509Certificate(await readFile(path)).raw
  const first = await der(file)
  expect(certificateAssertion(first)).toBe(`cert:sha256:${printed}`)
  // Renewed under the same name: another caller.
  expect(certificateAssertion(await der(await make('b.pem')))).not.toBe(`cert:sha256:${printed}`)
})

it('is one principal of one form for each certificate', () => {
  const der = fc.uint8Array({ maxLength: 64 })
  fc.assert(
    fc.property(der, der, (a, b) => {
      expect(certificateAssertion(a)).toMatch(/^cert:sha256:[0-9a-f]{64}$/)
      expect(certificateAssertion(a) === certificateAssertion(b)).toBe(
        Buffer.from(a).equals(Buffer.from(b)),
      )
    }),
  )
})
