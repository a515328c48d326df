/** Classes 22, 27 and 28 of faults of others (specs: kv2 §5.2), as far as they are of `sreg secret` and `sreg run`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startSetecServer } from '@secreg/setec/testing'
import { createCanary, runChild } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Built, build } from './built.ts'
import { refused } from './fake/fake-secrets.ts'
import { makeWorld } from './harness.ts'
import { LibvirtDirectory, uuidNumber } from './libvirt-directory.ts'

const API = 'openbao+kv2://secret/app/api'

describe('class 22: what fails shows no value', () => {
  const value = createCanary('value')

  test.each([
    ['refused', refused('SECRET_AUTHZ_FAILED', { status: 403 })],
    ['a failure of the provider', refused('PROVIDER_ERROR', { status: 502 })],
    ['an answer that is none', { status: 200, body: `{"${value}` }],
    ['a failure that is none', { status: 500, body: `<html>${value}</html>` }],
    ['no status of HTTP', { status: 302, body: value }],
  ])('%s', async (_what, answer) => {
    const { home, registry, sreg } = await makeWorld()
    registry.secrets.answers.set('*', answer)
    const file = home.write('value', value)
    for (const op of ['set', 'rotate']) {
      for (const more of [[], ['--json'], ['-v']]) {
        const fromInput = await sreg(['secret', op, API, '-', ...more], { input: value })
        const fromFile = await sreg(['secret', op, API, '--value-file', file, ...more])
        for (const { code, stdout, stderr } of [fromInput, fromFile]) {
          expect(code).not.toBe(0)
          expect(stdout + stderr).not.toContain(value)
        }
      }
    }
    const { code, stdout, stderr } = await sreg(['secret', 'get', API])
    expect(code).not.toBe(0)
    expect(stdout + stderr).not.toContain(value)
  })
})

describe('class 27: the program that is run', () => {
  let built: Built
  beforeAll(() => {
    built = build()
  })
  afterAll(() => built.remove())

  test('has its own secrets, and neither the token nor a connection of sreg', async () => {
    const world = await makeWorld()
    const [mine, other] = [createCanary('mine'), createCanary('other')]
    const token = `sreg_${createCanary('token').replaceAll('-', '')}`
    world.registry.secrets.put(API, { mine, other })
    world.registry.tokens.set(token, 'alice')
    const look = `const { readFileSync, readdirSync, readlinkSync } = require('node:fs')
const links = readdirSync('/proc/self/fd').flatMap((fd) => {
  try { return Number(fd) > 2 ? [readlinkSync('/proc/self/fd/' + fd)] : [] } catch { return [] }
})
const text = (name) => readFileSync('/proc/self/' + name, 'latin1')
process.stdout.write(JSON.stringify({ links, environ: text('environ'), cmdline: text('cmdline') }))`
    const words = [built.main, 'run', '--', process.execPath, '-e', look]
    const { code, stdout } = await runChild(process.execPath, words, {
      env: {
        PATH: process.env['PATH'],
        ...world.env,
        SECREG_TOKEN: token,
        MINE_POINTER: `${API}#mine`,
      },
    })
    expect(code).toBe(0)
    const seen = JSON.parse(stdout) as { links: string[]; environ: string; cmdline: string }
    expect(seen.environ).toContain(`MINE=${mine}`)
    expect(seen.environ).not.toContain(other)
    expect(seen.environ + seen.cmdline).not.toContain(token)
    expect(seen.cmdline).not.toContain(mine)
    expect(seen.links.filter((link) => link.startsWith('socket:'))).toEqual([])
  })
})

describe('class 28: a name is one parameter', () => {
  test.each(['../../x', '%2e%2e', 'a?version=1', 'a#b', 'a&uri=yaml://b', 'a\nb', 'a+b c'])(
    '%j',
    async (uri) => {
      const { registry, sreg } = await makeWorld()
      await sreg(['secret', 'get', uri])
      await sreg(['secret', 'copy', uri, uri])
      await sreg(['secret', 'search', uri, '--prefix', uri])
      const [get, copy, search] = registry.secrets.asked
      expect(get?.query).toBe(`uri=${encodeURIComponent(uri)}`)
      expect(JSON.parse(copy?.body ?? '')).toEqual({ fromUri: uri, toUri: uri, overwrite: false })
      const escaped = encodeURIComponent(uri)
      expect(search?.query).toBe(`q=${escaped}&prefix=${escaped}`)
    },
  )
})

describe('class 28: a name that is imported stays below its mount', () => {
  test('names of setec', async () => {
    const world = await makeWorld()
    await using server = await startSetecServer()
    const names = ['../x', '..', '../../etc/passwd', '%2e%2e/x', 'a?b#c', 'a\nb', 'a\0b', '/']
    for (const name of names) await server.db.put(name, 'v')
    const { code } = await world.sreg(['import', server.url, '--format', 'setec'])
    expect(code).toBe(0)
    const keys = [...world.registry.entries.keys()]
    expect(keys).toHaveLength(names.length)
    for (const key of keys) expect(key).toMatch(/^\/setec\/(?!\.{1,2}$)[^/\0\n?]+$/)
  })

  test('files of libvirt', async () => {
    const world = await makeWorld()
    const directory = new LibvirtDirectory(world.home)
    directory.secret(1, {}, 'one')
    for (const name of ['..%2fx.xml', 'a?b.xml', 'a#b.xml', '%2e%2e.xml']) {
      writeFileSync(join(directory.path, name), '<secret/>')
    }
    await world.sreg(['import', directory.path, '--format', 'libvirt'])
    const keys = [...world.registry.entries.keys()]
    expect(keys.filter((key) => key !== `/libvirt/${uuidNumber(1)}`)).toEqual([])
  })
})
