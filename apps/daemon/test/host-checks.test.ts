/** Owners and modes of the daemon's files, each wrong in one way. */
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { parseConfig } from '@secreg/host'
import { createTempHome, type TempHome } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { hostChecks } from '../src/host-checks.ts'
import type { KernelWord } from '../src/server/kernel-word.ts'

const KERNEL: KernelWord = { problem: undefined, credentialsOf: () => undefined }

/** Levels by check, once everything is right but what `change` does. */
async function levels(
  change: (home: TempHome) => void | Promise<void>,
): Promise<Record<string, string>> {
  using home = createTempHome()
  for (const name of ['data', 'audit', 'run']) mkdirSync(home.file(name), { mode: 0o700 })
  for (const file of ['data/000001.ldb', 'audit/00000001.jsonl'])
    chmodSync(home.write(file, ''), 0o600)
  const socket = home.file('run', 's')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  chmodSync(socket, 0o660)
  const config = `database.path = "${home.file('data')}"
audit.path = "${home.file('audit')}"
socket.path = "${socket}"`
  try {
    await change(home)
    const found = await hostChecks(parseConfig(config, 'f').config, KERNEL)
    for (const { level, advice } of found) expect(advice !== undefined).toBe(level !== 'ok')
    return Object.fromEntries(found.map(({ check, level }) => [check, level]))
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

const RIGHT = {
  database: 'ok',
  audit: 'ok',
  socket: 'ok',
  'socket directory': 'ok',
  'peer credentials': 'ok',
  process: process.execArgv.length === 0 ? 'ok' : 'warning',
}

test.each<[string, (home: TempHome) => void, Partial<typeof RIGHT>]>([
  ['nothing', () => {}, {}],
  ['an open directory', (home) => chmodSync(home.file('data'), 0o750), { database: 'fault' }],
  ['an open file', (home) => chmodSync(home.file('data/000001.ldb'), 0o640), { database: 'fault' }],
  ['a link', (home) => symlinkSync('/etc', home.file('audit/link')), { audit: 'fault' }],
  ['an open log', (home) => chmodSync(home.file('audit'), 0o705), { audit: 'fault' }],
  [
    'another mode of the socket',
    (home) => chmodSync(home.file('run/s'), 0o666),
    { socket: 'fault' },
  ],
  [
    'a directory that others write into',
    (home) => chmodSync(dirname(home.file('run/s')), 0o777),
    { 'socket directory': 'fault' },
  ],
  [
    'the same with the sticky bit',
    (home) => chmodSync(dirname(home.file('run/s')), 0o1777),
    { 'socket directory': 'ok' },
  ],
])('%s', async (_, change, wrong) => {
  expect(await levels(change)).toEqual({ ...RIGHT, ...wrong })
})

test('a socket that everybody may use, as configured, is warned of', async () => {
  using home = createTempHome()
  const socket = home.file('s')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  chmodSync(socket, 0o666)
  const { config } = parseConfig(`socket.path = "${socket}"\nsocket.mode = "0666"`, 'f')
  const found = await hostChecks(config, KERNEL)
  expect(found.find(({ check }) => check === 'socket')).toMatchObject({ level: 'warning' })
  await new Promise((resolve) => server.close(resolve))
})

test('directories and a socket that are not there are faults', async () => {
  using home = createTempHome()
  const { config } = parseConfig(
    `database.path = "${home.file('a')}"\naudit.path = "${home.file('b')}"\nsocket.path = "${home.file('c', 's')}"`,
    'f',
  )
  const faults = (await hostChecks(config, KERNEL)).filter(({ level }) => level === 'fault')
  expect(faults.map(({ check }) => check)).toEqual([
    'database',
    'audit',
    'socket',
    'socket directory',
  ])
})

test('a PAM helper that others can write, and one that they cannot; it is not named', async () => {
  using home = createTempHome()
  const helper = home.write('helper', '#!/bin/sh\n')
  const found = async () => {
    const all = await hostChecks(parseConfig(`pam.helper = "${helper}"`, 'f').config, KERNEL)
    return all.find(({ check }) => check === 'PAM helper')
  }
  chmodSync(helper, 0o755)
  expect(await found()).toMatchObject({ level: 'ok' })
  chmodSync(helper, 0o775)
  expect(await found()).toMatchObject({ level: 'fault', advice: expect.any(String) })
  expect(JSON.stringify(await found())).not.toContain(helper)
  const all = await hostChecks(parseConfig('', 'f').config, KERNEL)
  expect(all.find(({ check }) => check === 'PAM helper')).toBeUndefined()
})

test('says when the kernel cannot be asked who its clients are', async () => {
  const { config } = parseConfig('', 'f')
  const problem = 'the native part is missing: build it'
  const all = await hostChecks(config, { problem, credentialsOf: () => undefined })
  expect(all.find(({ check }) => check === 'peer credentials')).toMatchObject({
    level: 'warning',
    advice: problem,
  })
})

test.each([
  ['', []],
  ['gateway.socket = "/run/g"', ['ok']],
  ['gateway.socket = "/run/g"\ngateway.group = "www"', ['warning']],
  ['gateway.socket = "/run/g"\ngateway.group = "www"\ngateway.user = "web"', ['ok']],
])('tells who can be a gateway: %j', async (text, levels) => {
  const all = await hostChecks(parseConfig(text, 'f').config, KERNEL)
  expect(all.filter(({ check }) => check === 'gateway').map(({ level }) => level)).toEqual(levels)
})
