import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { CertificateMaker, createTempHome, requireProgram, runChild } from '@secreg/testkit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { certificateAssertion } from '../../src/identity/certificate.ts'

it('is the fingerprint that openssl prints, of this very certificate', async (context) => {
  await using home = createTempHome()
  const maker = CertificateMaker.in(home, context)
  const { cert } = await maker.make('alice')
  const printing = ['x509', '-in', cert, '-noout', '-fingerprint', '-sha256']
  const { stdout } = await runChild(requireProgram(context, 'openssl'), printing)
  const printed = stdout.replace(/^.*=/, '').replaceAll(':', '').trim().toLowerCase()
  const der = async (path: string): Promise<Uint8Array> =>
    new X509Certificate(await readFile(path)).raw
  const first = await der(cert)
  expect(certificateAssertion(first)).toBe(`cert:sha256:${printed}`)
  // Renewed under the same name: another caller.
  const renewed = await maker.make('alice')
  expect(certificateAssertion(await der(renewed.cert))).not.toBe(`cert:sha256:${printed}`)
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
