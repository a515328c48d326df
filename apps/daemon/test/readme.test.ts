import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CONFIG_KEYS, parseConfig } from '@secreg/host'
import { expect, test } from 'vitest'

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), 'utf8')
const readme = read('README.md')

test('the configuration of the README is a good one', () => {
  const toml = /```toml\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const { config } = parseConfig(toml, 'README.md')
  expect(config.security.encryptPrefixes).toEqual(['/security'])
  expect(config.unlock.systemdCredential).toBe('secreg.key')
  // What it spells out are the defaults, and the directories that the unit makes.
  const { config: defaults } = parseConfig('', 'empty')
  expect(config.database.path).toBe(defaults.database.path)
  expect(config.audit.path).toBe(defaults.audit.path)
  expect(config.socket).toEqual(defaults.socket)
  const unit = read('systemd/secregd.service')
  expect(unit).toContain(`\nStateDirectory=${defaults.database.path.replace('/var/lib/', '')}\n`)
  expect(unit).toContain(`\nLogsDirectory=${defaults.audit.path.replace('/var/log/', '')}\n`)
  expect(`${defaults.socket.path}`).toBe('/run/secreg/socket')
  expect(unit).toContain('\nRuntimeDirectory=secreg\n')
})

test('every piece of a configuration in the README is a good one', () => {
  const pieces = [...readme.matchAll(/```toml\n([\s\S]*?)```/g)].map(([, piece = '']) => piece)
  expect(pieces.length).toBeGreaterThan(3)
  for (const piece of pieces) parseConfig(piece, 'README.md')
})

test('every key that the README names exists', () => {
  const known = new Set(CONFIG_KEYS.map(({ name }) => name))
  const sections = new Set([...known].map((name) => name.split('.')[0]))
  const named = [...readme.matchAll(/`([a-z]+)\.([a-z_]+)`/g)].filter(([, section]) =>
    sections.has(section),
  )
  expect(named.length).toBeGreaterThan(10)
  for (const [, section, key] of named) expect(known).toContain(`${section}.${key}`)
})
