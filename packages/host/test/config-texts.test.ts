import { CONFIG_KEYS, type Config, parseConfig, withConfigTexts } from '@secreg/host'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const { config } = parseConfig('secrets.tenant_id = "file"\nsecrets.grant_ttl = 7', 'f')
const given = (texts: Readonly<Record<string, string>>) =>
  withConfigTexts(config, new Map(Object.entries(texts)))

it('puts texts in the place of values, and leaves the rest', () => {
  const { config: changed, wrong } = given({
    'secrets.tenant_id': 'acme',
    'secrets.grant_max_uses': '20',
    'secrets.allowed_mounts': ' secret, kv ,',
    'secrets.openbao.url': 'https://example.org',
    'secrets.openbao.verify_tls': 'No',
  })
  expect(wrong).toEqual([])
  expect(changed).toEqual({
    ...config,
    secrets: {
      ...config.secrets,
      tenantId: 'acme',
      grantMaxUses: 20,
      allowedMounts: ['secret', 'kv'],
      openbao: { ...config.secrets.openbao, url: 'https://example.org', verifyTls: false },
    },
  })
  expect(Object.isFrozen(changed.secrets.openbao)).toBe(true)
  expect(config.secrets.openbao.verifyTls).toBe(true)
})

it.each([
  ['true', true],
  ['TRUE', true],
  ['1', true],
  ['Yes', true],
  ['false', false],
  ['0', false],
  ['NO', false],
])('takes %s for a boolean', (text, value) => {
  const { config: changed, wrong } = given({ 'secrets.require_auth': text })
  expect([changed.secrets.requireAuth, wrong]).toEqual([value, []])
})

it.each<[string, string, string]>([
  ...['maybe', '', ' true', 'auto', 'on', 'y', '2'].map((text): [string, string, string] => [
    'secrets.require_auth',
    text,
    'true, 1 or yes, or false, 0 or no',
  ]),
  ...['', '-1', '0', '3601', '1.0', '1e3', '0x10', ' 5', '9'.repeat(30)].map(
    (text): [string, string, string] => ['secrets.grant_ttl', text, 'an integer from 1 to 3600'],
  ),
  ['secrets.anti_replay', 'never', '"per-resource" or "per-token" or "off"'],
  [
    'secrets.allowed_mounts',
    'secret,*',
    'a list of names of mounts, of letters, digits, ".", "_" and "-"',
  ],
  ['secrets.yaml_path', 'dev.yaml', 'an absolute path, or "" for none'],
])('refuses %s given as %j, and keeps what was there', (key, text, expected) => {
  expect(given({ [key]: text })).toEqual({ config, wrong: [{ key, expected }] })
})

it('names all that are wrong', () => {
  const { wrong } = given({ 'secrets.grant_ttl': 'x', 'secrets.enabled': 'x' })
  expect(wrong.map(({ key }) => key)).toEqual(['secrets.grant_ttl', 'secrets.enabled'])
})

it('refuses keys that there are not', () => {
  for (const key of ['secrets.nothing', 'secrets', 'secrets.tenants', 'constructor', '__proto__']) {
    expect(() => given({ [key]: 'x' })).toThrow(RangeError)
  }
})

it('gives what the file would give, or says that it is wrong', () => {
  const key = fc.constantFrom(...CONFIG_KEYS.filter(({ type }) => type === 'string'))
  fc.assert(
    fc.property(key, fc.string({ maxLength: 20 }), ({ name }, text) => {
      let file: Config | undefined
      try {
        const quoted = JSON.stringify(text).replaceAll('\u007f', '\\u007f')
        file = parseConfig(`${name} = ${quoted}`, 'f').config
      } catch {}
      const bare = parseConfig('', 'f').config
      const { config: changed, wrong } = withConfigTexts(bare, new Map([[name, text]]))
      expect(wrong.length).toBe(file === undefined ? 1 : 0)
      expect(changed).toEqual(file ?? bare)
    }),
  )
})
