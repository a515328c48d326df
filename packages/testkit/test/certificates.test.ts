import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { CertificateMaker, certificatePrincipal, createTempHome, writeChain } from '@secreg/testkit'
import { expect, it } from 'vitest'

const read = (file: string): X509Certificate => new X509Certificate(readFileSync(file))

it('makes certificates as they are asked for', async (context) => {
  using home = createTempHome()
  const maker = CertificateMaker.in(home, context)
  const authority = await maker.make('authority', { authority: true })
  const [root, own] = [read(authority.cert), read((await maker.make('authority')).cert)]
  expect([root.ca, root.verify(root.publicKey)]).toEqual([true, true])
  expect([own.ca, own.verify(own.publicKey), own.verify(root.publicKey)]).toEqual([
    false,
    true,
    false,
  ])

  const options = { issuer: authority, usage: 'serverAuth', days: -1, names: 'DNS:a.test' } as const
  const made = await maker.make('a', options)
  const leaf = read(made.cert)
  expect([leaf.ca, leaf.checkIssued(root), leaf.verify(root.publicKey)]).toEqual([
    false,
    true,
    true,
  ])
  expect(leaf.checkPrivateKey(createPrivateKey(readFileSync(made.key)))).toBe(true)
  expect(leaf.subject).toBe('CN=a')
  expect(leaf.subjectAltName).toBe('DNS:a.test')
  // id-kp-serverAuth of RFC 5280, 4.2.1.12.
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  expect(Date.parse(leaf.validTo)).toBeLessThan(Date.now())
  expect(certificatePrincipal(made)).toBe(
    `cert:sha256:${leaf.fingerprint256.replaceAll(':', '').toLowerCase()}`,
  )
  const chain = writeChain(home.file('chain.pem'), made, authority)
  expect(read(chain).raw).toEqual(leaf.raw)
  expect(readFileSync(chain, 'utf8').match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  expect(readdirSync(home.path)).toHaveLength(7)
})
