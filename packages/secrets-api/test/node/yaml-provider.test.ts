import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import {
  copySecret,
  deleteSecret,
  listSecretKeys,
  listSecrets,
  moveSecret,
  ProviderError,
  parseSecretPrefix,
  readSecret,
  searchSecrets,
  writeSecret,
} from '@secreg/secrets-api'
import { YAML_FILE_FAULTS, type YamlFileError, YamlProvider } from '@secreg/secrets-api/node'
import { createTempHome, type TempHome } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ownIdentity } from '../../src/node/process-identity.ts'
import { AUTHOR, yamlUri } from '../operations/secrets.ts'
import { testProvider } from '../provider/provider-contract.ts'
import { laterReasonOf } from '../reason-of.ts'

const SEED = `secret:
  env: { MY_API_KEY: abc123, FROM: src-val }
  crud: # of the application
    DB_USER: app
    DB_PASS: s3cr3t
`

function home(): TempHome {
  const made = createTempHome()
  onTestFinished(() => made.remove())
  return made
}

function seeded(text = SEED, environment: string | undefined = 'test') {
  const made = home()
  const path = made.write('dev.yaml', text)
  const provider = new YamlProvider({ path, environment, lockTimeoutMs: 5000 })
  return { home: made, path, provider, text: () => readFileSync(path, 'utf8') }
}

const read = async (provider: YamlProvider, tail: string) =>
  (await readSecret(provider, yamlUri(tail))).value
const write = (provider: YamlProvider, tail: string, value: unknown) =>
  writeSecret(provider, yamlUri(tail), value, AUTHOR)

testProvider('YAML', () => new YamlProvider({ path: home().file('new.yaml'), environment: 'dev' }))

describe('secrets of a file', () => {
  test.each([
    ['env#MY_API_KEY', 'abc123'], // R01
    ['crud', { DB_USER: 'app', DB_PASS: 's3cr3t' }], // R02
  ])('%s', async (tail, value) => {
    expect(await read(seeded().provider, tail)).toEqual(value)
  })

  test.each([
    ['env#NOPE', 'FRAGMENT_NOT_FOUND'], // R03
    ['nope', 'SECRET_NOT_FOUND'],
    ['env/MY_API_KEY', 'SECRET_NOT_FOUND'],
    ['env/MY_API_KEY/x', 'SECRET_NOT_FOUND'],
    ['toString', 'SECRET_NOT_FOUND'],
    ['env#toString', 'FRAGMENT_NOT_FOUND'],
    ['__proto__/x', 'SECRET_NOT_FOUND'],
  ])('not there: %s', async (tail, reason) => {
    expect(await laterReasonOf(read(seeded().provider, tail))).toBe(reason)
  })

  test('values of any kind, and secrets in secrets', async () => {
    const { provider } = seeded('secret:\n  a: { n: 1, t: true, z: null, l: [1], m: { k: v } }\n')
    expect(await read(provider, 'a')).toEqual({ n: 1, t: true, z: null, l: [1], m: { k: 'v' } })
    expect(await read(provider, 'a#m')).toEqual({ k: 'v' })
    expect(await read(provider, 'a/m#k')).toBe('v')
    expect(await read(provider, 'a#z')).toBe(null)
    expect(await listSecretKeys(provider, yamlUri('a'))).toEqual(['l', 'm/', 'n', 't', 'z'])
  })

  test('are listed and searched without values', async () => {
    const { provider } = seeded(
      `${SEED}  deep:\n    er: { K: v }\n    none: {}\nother: { x: { k: v } }\n`,
    )
    const items = await listSecrets(provider, parseSecretPrefix('yaml://secret'))
    expect(items.map(({ uri, keys }) => [uri.canonical, keys])).toEqual([
      ['yaml://secret/crud', ['DB_PASS', 'DB_USER']],
      ['yaml://secret/deep/er', ['K']],
      ['yaml://secret/deep/none', []],
      ['yaml://secret/env', ['FROM', 'MY_API_KEY']],
    ])
    const found = await searchSecrets(provider, parseSecretPrefix('yaml://secret/env/'), 'key')
    expect(found.map(({ uri }) => uri.canonical)).toEqual(['yaml://secret/env#MY_API_KEY'])
    expect(JSON.stringify([items, found])).not.toMatch(/abc123|src-val|s3cr3t/)
  })

  test('what an editor changes is seen', async () => {
    const { home, provider } = seeded()
    home.write('dev.yaml', 'secret: { env: { MY_API_KEY: changed } }\n')
    expect(await read(provider, 'env#MY_API_KEY')).toBe('changed')
  })
})

describe('writes', () => {
  test('a key among others (W01)', async () => {
    const { provider, text } = seeded()
    const outcome = await write(provider, 'env#MY_NEW', 'hello')
    expect(outcome).toEqual({ version: null, created: false, stamped: 'unneeded' })
    expect(await read(provider, 'env')).toEqual({
      MY_API_KEY: 'abc123',
      FROM: 'src-val',
      MY_NEW: 'hello',
    })
    expect(text()).toContain('# of the application')
  })

  test('a file that was not there, for its owner alone', async () => {
    const made = home()
    const path = made.file('new.yaml')
    const provider = new YamlProvider({ path, environment: 'dev' })
    expect(await laterReasonOf(read(provider, 'a'))).toBe('SECRET_NOT_FOUND')
    expect(await write(provider, 'a/b#k', 'v')).toMatchObject({ created: true })
    expect(await read(provider, 'a/b')).toEqual({ k: 'v' })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(made.path)).toEqual(['new.yaml', 'new.yaml.lock'])
    expect(readdirSync(made.file('new.yaml.lock'))).toEqual([])
  })

  test('names and values that look like something else', async () => {
    const { provider } = seeded()
    const values = {
      null: 'null',
      1: '0x1F',
      true: '- a',
      '-': '*a',
      '.': ' a\n b \n',
      __proto__x: '',
    }
    await write(provider, 'odd/null/1', values)
    expect(await read(provider, 'odd/null/1')).toEqual(values)
    await write(provider, 'odd#__proto__', 'own')
    expect(await read(provider, 'odd#__proto__')).toBe('own')
  })

  test('never over a value that would be lost', async () => {
    const { provider, text } = seeded()
    for (const tail of ['env/FROM#k', 'env/FROM/x#k']) {
      expect(await laterReasonOf(write(provider, tail, 'v'))).toBe('INCOMPATIBLE_PAYLOAD')
    }
    expect(text()).toBe(SEED)
  })

  test('deletes a key or a node (L08)', async () => {
    const { provider } = seeded()
    const removed = { status: 'deleted', mode: 'key_removed', version: null }
    expect(await deleteSecret(provider, yamlUri('env#MY_API_KEY'))).toEqual(removed)
    expect(await read(provider, 'env')).toEqual({ FROM: 'src-val' })
    await deleteSecret(provider, yamlUri('env'), { destroy: true })
    expect(await laterReasonOf(read(provider, 'env'))).toBe('SECRET_NOT_FOUND')
    expect(await read(provider, 'crud#DB_USER')).toBe('app')
  })

  test('copies and moves (C01, C02)', async () => {
    const { provider } = seeded()
    const at = (tail: string) => ({ provider, uri: yamlUri(tail) })
    await copySecret(at('env#FROM'), at('env#TO'), AUTHOR)
    expect(await read(provider, 'env#TO')).toBe('src-val')
    const again = copySecret(at('env#FROM'), at('env#TO'), AUTHOR)
    expect(await laterReasonOf(again)).toBe('DESTINATION_EXISTS')
    await moveSecret(at('crud'), at('moved/here'), AUTHOR)
    expect(await read(provider, 'moved/here')).toEqual({ DB_USER: 'app', DB_PASS: 's3cr3t' })
    expect(await laterReasonOf(read(provider, 'crud'))).toBe('SECRET_NOT_FOUND')
    const inside = moveSecret(at('moved'), at('moved/here'), { ...AUTHOR, overwrite: true })
    expect(await laterReasonOf(inside)).toBe('SAME_RESOURCE')
  })

  test('what was interrupted leaves nothing behind', async () => {
    const { home, provider } = seeded()
    home.write('dev.yaml.0123456789abcdef.tmp', 'secret: half')
    home.write('dev.yaml.not-ours.tmp', '')
    await write(provider, 'env#A', 'a')
    expect(readdirSync(home.path)).toEqual(['dev.yaml', 'dev.yaml.lock', 'dev.yaml.not-ours.tmp'])
  })

  test('that would make the file too large are refused, and it stays', async () => {
    const { provider, text } = seeded()
    const big = 'a'.repeat(600_000)
    await write(provider, 'big#a', big)
    const before = text()
    expect(await faultOf(write(provider, 'big#b', big))).toBe('ERR_YAML_FILE_TOO_LARGE')
    expect(text()).toBe(before)
  })
})

describe('the environment', () => {
  test.each(['dev', 'test'])('%s allows all', async (environment) => {
    const { provider } = seeded(SEED, environment)
    await write(provider, 'env#A', 'a')
    expect(await read(provider, 'env#A')).toBe('a')
  })

  test('staging allows reading', async () => {
    const { provider, text } = seeded(SEED, 'staging')
    expect(await read(provider, 'env#FROM')).toBe('src-val')
    expect(await laterReasonOf(write(provider, 'env#A', 'a'))).toBe('YAML_WRITE_FORBIDDEN')
    const deleted = deleteSecret(provider, yamlUri('env'))
    expect(await laterReasonOf(deleted)).toBe('YAML_WRITE_FORBIDDEN') // W15
    expect(text()).toBe(SEED)
  })

  test.each(['prod', 'Production', '', undefined])('%s allows nothing', async (environment) => {
    const made = home()
    const path = made.write('dev.yaml', SEED)
    const provider = new YamlProvider({ path, environment })
    const place = yamlUri('env')
    expect(await laterReasonOf(provider.read(place))).toBe('PROVIDER_NOT_CONFIGURED')
    expect(await laterReasonOf(provider.entries(place))).toBe('PROVIDER_NOT_CONFIGURED')
    expect(await laterReasonOf(provider.write(place, new Map()))).toBe('YAML_WRITE_FORBIDDEN')
    expect(await laterReasonOf(provider.remove(place, 'absent'))).toBe('YAML_WRITE_FORBIDDEN')
    expect(readdirSync(made.path)).toEqual(['dev.yaml'])
  })
})

/** What the cause of a failure of the provider says. */
async function faultOf(result: Promise<unknown>): Promise<string | undefined> {
  const error = await result.then(
    () => undefined,
    (each: unknown) => each,
  )
  if (error === undefined) return undefined
  if (!(error instanceof ProviderError)) throw error
  expect(JSON.stringify([error, error.message])).not.toMatch(/dev\.yaml|hunter2/)
  return (error.cause as YamlFileError).code
}

describe('a file that must not be used', () => {
  const cases: [
    string,
    (home: TempHome, path: string) => unknown,
    keyof typeof YAML_FILE_FAULTS,
  ][] = [
    ['open to its group', (_, path) => chmodSync(path, 0o640), 'UNSAFE'],
    ['open to others', (_, path) => chmodSync(path, 0o604), 'UNSAFE'],
    ['a link', (each) => link(each, 'dev.yaml'), 'UNSAFE'],
    ['a directory', (each, path) => swap(each, () => mkdirSync(path)), 'UNSAFE'],
    ['in a directory of all', (each) => chmodSync(each.path, 0o777), 'DIRECTORY_UNSAFE'],
    ['in a directory of its group', (each) => chmodSync(each.path, 0o770), 'DIRECTORY_UNSAFE'],
    ['too large', (each) => each.write('dev.yaml', `# ${'a'.repeat(1_048_576)}`), 'TOO_LARGE'],
    ['not UTF-8', (each) => each.write('dev.yaml', Uint8Array.of(0x61, 0x3a, 0xff)), 'NOT_UTF8'],
    ['with a tag', (each) => each.write('dev.yaml', 'hunter2: !!str x\n'), 'FORBIDDEN'],
    ['with an alias', (each) => each.write('dev.yaml', 'hunter2: &a 1\nb: *a\n'), 'FORBIDDEN'],
    [
      'with a key twice',
      (each) => each.write('dev.yaml', 'hunter2: 1\nhunter2: 2\n'),
      'DUPLICATE_KEY',
    ],
    ['with half a text', (each) => each.write('dev.yaml', 'a: "hunter2\n'), 'SYNTAX'],
    ['with a list', (each) => each.write('dev.yaml', '- hunter2\n'), 'NOT_A_MAP'],
    [
      'with a rounded number',
      (each) => each.write('dev.yaml', 'a: 12345678901234567890\n'),
      'VALUE',
    ],
  ]
  const link = (each: TempHome, name: string) =>
    swap(each, () => symlinkSync(each.write('elsewhere.yaml', SEED), each.file(name)))
  const swap = (each: TempHome, make: () => unknown) => {
    linkSync(each.file('dev.yaml'), each.file('kept.yaml'))
    rmSync(each.file('dev.yaml'))
    make()
  }

  test.each(cases)('%s', async (_, spoil, fault) => {
    const { home: made, path, provider } = seeded()
    spoil(made, path)
    expect(await faultOf(provider.read(yamlUri('env')))).toBe(`ERR_YAML_FILE_${fault}`)
    const data = new Map([['k', 'v']])
    expect(await faultOf(provider.write(yamlUri('env'), data))).toBe(`ERR_YAML_FILE_${fault}`)
    chmodSync(made.path, 0o700)
    const left = readdirSync(made.path).filter((name) => name.endsWith('.tmp'))
    expect(left).toEqual([])
  })

  test('its fault says where', async () => {
    const { path, provider } = seeded('secret:\n  env: &x {}\n')
    const error = await provider.read(yamlUri('env')).catch((each) => each)
    expect(error.cause.message).toBe(`${path}:2: ${YAML_FILE_FAULTS.FORBIDDEN}`)
    expect(error.cause.line).toBe(2)
  })

  test('a directory that is not there', async () => {
    const provider = new YamlProvider({ path: home().file('none', 'a.yaml'), environment: 'dev' })
    expect(await laterReasonOf(read(provider, 'a'))).toBe('SECRET_NOT_FOUND')
    expect(await faultOf(provider.write(yamlUri('a'), new Map()))).toBe('ERR_YAML_FILE_UNREADABLE')
  })
})

describe('a lock that another process holds', () => {
  const locked = () => {
    const made = home()
    const path = made.write('dev.yaml', SEED)
    made.write(`dev.yaml.lock/${ownIdentity()}`, '')
    return { path, data: new Map([['k', 'v']]) }
  }

  test('makes the provider busy, and reads go on', async () => {
    const { path, data } = locked()
    const provider = new YamlProvider({ path, environment: 'dev', lockTimeoutMs: 30 })
    const error = await provider.write(yamlUri('env'), data).catch((each) => each)
    expect(error).toMatchObject({ reason: 'PROVIDER_BUSY', status: 429, retryAfterSeconds: 1 })
    expect(error.cause).toMatchObject({ code: 'ERR_YAML_FILE_LOCKED', path })
    expect(await read(provider, 'env#FROM')).toBe('src-val')
  })

  test('is waited for until the caller gives up', async () => {
    const { path, data } = locked()
    const provider = new YamlProvider({ path, environment: 'dev' })
    const controller = new AbortController()
    const result = laterReasonOf(
      provider.write(yamlUri('env'), data, { signal: controller.signal }),
    )
    controller.abort()
    expect(await result).toBe('PROVIDER_TIMEOUT')
    expect(readFileSync(path, 'utf8')).toBe(SEED)
  })
})

test('arguments of another kind are refused', () => {
  const make = (options: object) => new YamlProvider({ environment: 'dev', ...options } as never)
  for (const path of ['', 'a\0b', undefined, 7]) expect(() => make({ path })).toThrow(TypeError)
  for (const lockTimeoutMs of [-1, Number.NaN]) {
    expect(() => make({ path: 'a', lockTimeoutMs })).toThrow(RangeError)
  }
})
