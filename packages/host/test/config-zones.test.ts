import { type Config, ConfigError, parseConfig, ZONE_KEYS } from '@secreg/host'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const zonesOf = (text: string): Config['zones'] => parseConfig(text, 'f').config.zones

function faultsOf(text: string): string[] {
  try {
    parseConfig(text, 'f')
    return []
  } catch (error) {
    if (!ConfigError.is(error)) throw error
    return error.faults.map(({ line, message }) => `${line}: ${message}`)
  }
}

const OFF = {
  description: '',
  allowPasswd: false,
  allowTokens: false,
  allowPasswdAuth: false,
  maxTempValiditySeconds: 0,
  autoCreate: false,
  trustedUids: [],
  http: false,
}

describe('zones of the configuration', () => {
  it('has none unless they are given', () => {
    expect(zonesOf('').size).toBe(0)
    expect(zonesOf('[zones]').size).toBe(0)
  })

  it('switches nothing on by itself', () => {
    expect([...zonesOf('[zones.mail]')]).toEqual([['mail', OFF]])
  })

  it('takes the defaults that its table names', () => {
    const lines = ZONE_KEYS.map((key) => `${key.name.split('.').at(-1)} = ${key.default}`)
    expect([...zonesOf(['[zones.mail]', ...lines].join('\n'))]).toEqual([['mail', OFF]])
  })

  it('reads every key', () => {
    const text = `
[zones.mail]
desc = "Mail & calendar – ěšč"
allow_passwd = true
allow_tokens = true
allow_passwd_auth = true
max_temp_validity = 86_400
auto_create = true
trusted_uids = [0, 110, 4294967294]
http = true
`
    expect(zonesOf(text).get('mail')).toEqual({
      description: 'Mail & calendar – ěšč',
      allowPasswd: true,
      allowTokens: true,
      allowPasswdAuth: true,
      maxTempValiditySeconds: 86_400,
      autoCreate: true,
      trustedUids: [0, 110, 4_294_967_294],
      http: true,
    })
  })

  it('reads names in every spelling of TOML, those of members of objects too', () => {
    const text = `
[zones."a.b"]
http = true
[zones.'c.d']
[zones]
plain.auto_create = true
inline = { allow_tokens = true }
__proto__ = { allow_passwd = true }
constructor = {}
"\\u0065" = {}
`
    const zones = zonesOf(text)
    expect([...zones.keys()].sort()).toEqual(
      ['__proto__', 'a.b', 'c.d', 'constructor', 'e', 'inline', 'plain'].sort(),
    )
    expect(zones.get('a.b')?.http).toBe(true)
    expect(zones.get('plain')?.autoCreate).toBe(true)
    expect(zones.get('inline')?.allowTokens).toBe(true)
    expect(zones.get('__proto__')?.allowPasswd).toBe(true)
    expect(zones.get('constructor')).toEqual(OFF)
  })

  it.each<[string, string[]]>([
    [
      '[zones.mail]\n\nallow_paswd = true',
      ['3: unknown key "zones.mail.allow_paswd"; did you mean "zones.mail.allow_passwd"?'],
    ],
    [
      '[zone.mail]\nhttp = true',
      ['2: unknown key "zone.mail.http"; did you mean "zones.mail.http"?'],
    ],
    [
      '[zones.a.b]\nhttp = true',
      ['2: unknown key "zones.a.b.http"; did you mean \'zones."a.b".http\'?'],
    ],
    ['[zones."a.b"]\nx_y_z_1234567 = 1', ['2: unknown key \'zones."a.b".x_y_z_1234567\'']],
    ['[zones.mail.deep]', ['1: unknown key "zones.mail.deep"; did you mean "zones.mail.desc"?']],
    ['[zones.mail]\n__proto__ = 1', ['2: unknown key "zones.mail.__proto__"']],
    [
      '[zones.mail]\nsocket = "/x"\nid = "0"\nname = "x"',
      [
        '2: unknown key "zones.mail.socket"',
        '3: unknown key "zones.mail.id"',
        '4: unknown key "zones.mail.name"',
      ],
    ],
  ])('names the unknown key and the closest one: %j', (text, expected) => {
    expect(faultsOf(text)).toEqual(expected)
  })

  it.each<[string, string[]]>([
    ['zones = 5', ['1: zones: expected a table, got 5']],
    ['[[zones]]', ['1: zones: expected a table, got a list']],
    ['zones.mail = true', ['1: zones.mail: expected a table, got true']],
    ['[zones]\n[[zones.mail]]', ['2: zones.mail: expected a table, got a list']],
    [
      '[zones."."]\n[zones.".."]',
      [
        '1: zones: expected a name of 1 to 64 letters, digits, ".", "_" and "-", not "." or "..", got "."',
        '2: zones: expected a name of 1 to 64 letters, digits, ".", "_" and "-", not "." or "..", got ".."',
      ],
    ],
    [
      '[zones.mail]\nhttp = 1\nallow_tokens = "yes"',
      [
        '2: zones.mail.http: expected true or false, got 1',
        '3: zones.mail.allow_tokens: expected true or false, got "yes"',
      ],
    ],
    [
      '[zones."a.b"]\nmax_temp_validity = -1',
      ['2: zones."a.b".max_temp_validity: expected an integer from 0 to 3162240000, got -1'],
    ],
    [
      '[zones.mail]\nmax_temp_validity = 60.0',
      [
        '2: zones.mail.max_temp_validity: expected an integer from 0 to 3162240000, got the float 60',
      ],
    ],
    [
      '[zones.mail]\ndesc = "a\\nb"',
      ['2: zones.mail.desc: expected one line of at most 1024 characters, got "a\\nb"'],
    ],
  ])('refuses %j', (text, expected) => {
    expect(faultsOf(text)).toEqual(expected)
  })

  it.each(['[65534]', '[4294967295]', '[-1]', '["0"]', '[0.0]', '0', '[[0]]'])(
    'refuses the trusted uids %s',
    (uids) => {
      expect(faultsOf(`[zones.mail]\ntrusted_uids = ${uids}`)).toEqual([
        expect.stringContaining('2: zones.mail.trusted_uids: expected a list of at most 256 ids'),
      ])
    },
  )

  it('takes exactly the names that zones can have', () => {
    const name = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 70 }),
      fc.stringMatching(/^[A-Za-z0-9._-]{0,66}$/),
      fc.constantFrom('*', '.', '..', '...', 'toString', 'a/b', 'a b'),
    )
    fc.assert(
      fc.property(name, (text) => {
        const isName = /^[A-Za-z0-9._-]{1,64}$/.test(text) && text !== '.' && text !== '..'
        const source = `[zones.${JSON.stringify(text).replaceAll('\u007f', '\\u007f')}]`
        expect(faultsOf(source).length).toBe(isName ? 0 : 1)
        if (isName) expect([...zonesOf(source).keys()]).toEqual([text])
      }),
    )
  })
})
