import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { parseConfig } from '@secreg/host'
import { createTempHome, skipTest } from '@secreg/testkit'
import { nativeProblem } from '@secreg/unix-socket'
import { expect, test } from 'vitest'
import { openDevHome } from '../src/dev-home.ts'
import { readSecretsSettings } from '../src/secrets-api/read-settings.ts'
import { takeSecretsVariables } from '../src/secrets-api/settings-variables.ts'

test('a home is made once, private, and found again', async () => {
  await using home = createTempHome()
  const directory = home.file('a', 'b')
  const first = openDevHome(directory)
  expect((statSync(directory).mode & 0o777).toString(8)).toBe('700')
  expect(readdirSync(directory).sort()).toEqual(['admin.json', 'config.toml'])
  for (const name of readdirSync(directory)) {
    expect((statSync(`${directory}/${name}`).mode & 0o777).toString(8)).toBe('600')
  }
  const { config } = parseConfig(readFileSync(first.config), first.config)
  for (const path of [config.database.path, config.audit.path, config.socket.path]) {
    expect(path.startsWith(`${directory}/`)).toBe(true)
  }
  expect(openDevHome(directory)).toEqual(first)
  expect(first.credentials.password).not.toBe(first.credentials.passphrase)
  await using other = createTempHome()
  expect(openDevHome(other.path).credentials).not.toEqual(first.credentials)
})

test('it has sockets for zones and for libvirt, where this machine can serve them', async (context) => {
  const problem = nativeProblem()
  if (problem !== undefined) skipTest(context, problem)
  await using home = createTempHome()
  chmodSync(home.path, 0o700)
  const { config: file } = openDevHome(home.path)
  const { libvirt, subauth, zones } = parseConfig(readFileSync(file), file).config
  expect(subauth).toMatchObject({ socket: home.file('subauth.sock'), mode: 0o600 })
  const everything = { allowPasswd: true, allowTokens: true, allowPasswdAuth: true, http: true }
  expect([...zones.keys()]).toEqual(['dev'])
  expect(zones.get('dev')).toMatchObject({ ...everything, autoCreate: true })
  expect(libvirt).toMatchObject({
    socket: home.file('libvirt.sock'),
    socketReadOnly: home.file('libvirt-ro.sock'),
    mode: 0o600,
    modeReadOnly: 0o600,
  })
})

test('it has the Secrets API, with secrets in a file of its own', async () => {
  await using home = createTempHome()
  chmodSync(home.path, 0o700)
  const { config: file } = openDevHome(home.path)
  const loaded = parseConfig(readFileSync(file), file)
  expect(await readSecretsSettings(loaded, takeSecretsVariables({}))).toMatchObject({
    isDevelopment: true,
    tenant: 'dev',
    mounts: new Map([['dev', new Set(['secret'])]]),
    yamlPath: home.file('secrets.yaml'),
    salt: undefined,
    openbao: undefined,
    hashicorp: undefined,
    pdp: undefined,
  })
})

test.each([
  ['[subauth]', ['[subauth]\n', '[zones.mine]\n', ' [ subauth ]\n', '[zones]\n']],
  ['[libvirt]', ['[libvirt]\n', ' [ libvirt ]\n']],
  ['[secrets]', ['[secrets]\n', ' [ secrets ]\n', '[secrets.openbao]\n']],
])('a home of before gets %s, once; what its owner has written stays', async (door, owns) => {
  await using home = createTempHome()
  chmodSync(home.path, 0o700)
  const { config: file } = openDevHome(home.path)
  const text = readFileSync(file, 'utf8')
  const begins = text.indexOf(`\n${door}`)
  // Where a door cannot be served, there is nothing to take away.
  const end = begins < 0 ? 0 : /\n\n\[(?!zones)/.exec(text.slice(begins + 1))?.index
  const part =
    begins < 0 ? '' : text.slice(begins, end === undefined ? undefined : begins + 1 + end + 1)
  const old = text.replace(part, '')
  writeFileSync(file, old)
  openDevHome(home.path)
  expect(readFileSync(file, 'utf8')).toBe(`${old}${part}`)
  openDevHome(home.path)
  expect(readFileSync(file, 'utf8')).toBe(`${old}${part}`)
  for (const own of owns) {
    writeFileSync(file, `${old}${own}`)
    openDevHome(home.path)
    expect(readFileSync(file, 'utf8')).toBe(`${old}${own}`)
  }
})

test('a configuration that is not of its making is left alone', async () => {
  await using home = createTempHome()
  chmodSync(home.path, 0o700)
  const { config: file } = openDevHome(home.path)
  const foreign = '# my own\n'
  writeFileSync(file, foreign)
  openDevHome(home.path)
  expect(readFileSync(file, 'utf8')).toBe(foreign)
})

test('what is open to others, or no directory, is refused and left as it is', async () => {
  await using home = createTempHome()
  const open = home.file('open')
  mkdirSync(open)
  chmodSync(open, 0o750)
  expect(() => openDevHome(open)).toThrow('expected mode 0700')
  expect(readdirSync(open)).toEqual([])
  const file = home.write('file', 'precious')
  expect(() => openDevHome(file)).toThrow()
  expect(readFileSync(file, 'utf8')).toBe('precious')
  const link = home.file('link')
  symlinkSync(open, link)
  expect(() => openDevHome(link)).toThrow('expected a directory of this user')
})

test('a damaged admin.json is told, not replaced', async () => {
  await using home = createTempHome()
  openDevHome(home.path)
  home.write('admin.json', '{"login":"dev"}')
  expect(() => openDevHome(home.path)).toThrow()
  expect(readFileSync(home.file('admin.json'), 'utf8')).toBe('{"login":"dev"}')
})
