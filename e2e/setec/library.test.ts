/** setec's own client library for Go, as it is, against daemon and gateway as processes. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { Client, openSetecStore } from '@secreg/setec'
import { fileCache, fileSource } from '@secreg/setec/node'
import { createTempHome, freePort, type SkippableContext, waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { GatewaySite, startGatewaySite } from '../lib/gateway-site.ts'
import { ALL_RULES, base64, callSetec, makeSetecCaller } from '../lib/setec-call.ts'
import { buildLibrary, LibraryProgram } from './library-program.ts'

// The first test compiles the library.
vi.setConfig({ testTimeout: 360_000 })

/** The program; its file is needed no more once it runs. */
async function startLibrary(context: SkippableContext): Promise<LibraryProgram> {
  const home = createTempHome()
  try {
    await buildLibrary(context, home.file('library'))
    const program = new LibraryProgram(home.file('library'))
    await program.ok('client', { Server: 'http://127.0.0.1:1' })
    return program
  } finally {
    home.remove()
  }
}

test('the client: every method, and every failure that it tells apart', async (context) => {
  await using go = await startLibrary(context)
  await using started = await startGatewaySite()
  const { site, admin } = started
  const ann = await makeSetecCaller(admin, 'ann')
  const ben = await makeSetecCaller(admin, 'ben', [{ action: ['get'], secret: ['*/mine'] }])
  const addresses = [
    { Server: site.at(ann.secret) },
    // Only a program can send a header, by a function of its own.
    { Server: site.http, Bearer: ann.secret },
  ]
  for (const [index, address] of addresses.entries()) {
    const Name = `web/${index}/key`
    await go.ok('client', address)
    expect(await go.ok('put', { Name, Value: base64('one') })).toEqual({ Version: 1 })
    expect(await go.ok('put', { Name, Value: base64('two') })).toEqual({ Version: 2 })
    expect(await go.ok('get', { Name })).toEqual({ Value: base64('one'), Version: 1 })
    expect(await go.text('get-version', { Name, Version: 2 })).toBe('two')
    expect(await go.fails('get-if-changed', { Name, Version: 1 })).toBe('unchanged')
    expect(await go.text('get-if-changed', { Name, Version: 9 })).toBe('one')
    expect(await go.text('get-if-changed', { Name, Version: 0 })).toBe('one')
    await go.ok('activate', { Name, Version: 2 })
    await go.ok('create-version', { Name, Version: 4_294_967_295, Value: base64('last') })
    expect(await go.text('get', { Name })).toBe('last')
    expect(await go.fails('create-version', { Name, Version: 2 })).toBe('claimed')
    await go.ok('create-version', { Name, Version: 7 })
    expect(await go.ok('get', { Name })).toEqual({ Version: 7 })
    expect(await go.ok('info', { Name })).toEqual({
      Info: { Name, Versions: [1, 2, 7, 4_294_967_295], ActiveVersion: 7 },
    })
    // There is no number left, and none is used twice.
    expect((await go.ask('put', { Name, Value: base64('three') })).Message).toContain('status 409')
    await go.ok('delete-version', { Name, Version: 2 })
    expect(await go.fails('get-version', { Name, Version: 2 })).toBe('not-found')
    expect(await go.fails('delete-version', { Name, Version: 2 })).toBe('not-found')
    expect((await go.ask('delete-version', { Name, Version: 7 })).Message).toContain('status 409')
    expect((await go.ask('create-version', { Name })).Message).toContain('status 400')
    const { List = [] } = await go.ok('list')
    expect(List).toContainEqual({ Name, Versions: [1, 7, 4_294_967_295], ActiveVersion: 7 })
    await go.ok('delete', { Name })
    await go.ok('delete', { Name })
    expect(await go.fails('get', { Name })).toBe('not-found')
    expect(await go.fails('info', { Name })).toBe('not-found')
    expect(await go.ok('list')).toEqual({})
  }

  await go.ok('client', { Server: site.at(ben.secret) })
  expect(await go.fails('get', { Name: 'his/mine' })).toBe('not-found')
  expect(await go.fails('get', { Name: 'his' })).toBe('denied')
  for (const op of ['info', 'put', 'create-version', 'activate', 'delete', 'delete-version']) {
    expect(await go.fails(op, { Name: 'his/mine', Version: 1 }), op).toBe('denied')
  }
  expect(await go.ok('list')).toEqual({})
  await go.ok('client', { Server: site.http })
  expect((await go.ask('get', { Name: 'his/mine' })).Message).toContain('status 401')
})

test('the store: a rotation is seen by refresh and by polling, through a restart', async (context) => {
  await using go = await startLibrary(context)
  const port = await freePort()
  await using site = new GatewaySite({ http: `listen = "127.0.0.1:${port}"` })
  const daemon = await site.start()
  const admin = await site.initialize()
  const gateway = await site.startGateway()
  const reading = [{ action: ['get'], secret: ['web/*'] }]
  const reader = await makeSetecCaller(admin, 'web', reading)
  const writer = await makeSetecCaller(admin, 'ann', ALL_RULES)
  admin.close()
  const write = async (operation: string, body: object): Promise<void> => {
    expect(await callSetec(site.at(writer.secret), operation, body)).toMatchObject({ status: 200 })
  }
  const rotate = async (Name: string, Version: number, value: string): Promise<void> =>
    write('create-version', { Name, Version, Value: base64(value) })
  const parsed = { User: 'web', Port: 5432 }
  await write('put', { Name: 'web/text', Value: base64('some text') })
  await write('put', { Name: 'web/bytes', Value: base64(Uint8Array.of(0, 255, 10)) })
  await write('put', { Name: 'web/live', Value: base64('live 1') })
  await write('put', { Name: 'web/parsed', Value: base64(JSON.stringify(parsed)) })
  await write('put', { Name: 'web/key', Value: base64('key 1') })
  await write('put', { Name: 'web/late', Value: base64('late 1') })

  await go.ok('client', { Server: site.at(reader.secret) })
  await go.ok('store', { Names: ['web/key'], Prefix: 'web', Lookup: true })
  await go.ok('updater', { Name: 'web/key' })
  expect(await go.text('secret', { Name: 'web/key' })).toBe('key 1')
  expect(await go.text('lookup', { Name: 'web/late' })).toBe('late 1')
  expect(await go.fails('lookup', { Name: 'web/nothing' })).toBe('not-found')
  expect(await go.fails('lookup', { Name: 'other' })).toBe('denied')
  expect((await go.ok('settings')).Settings).toEqual({
    Text: 'some text',
    Bytes: base64(Uint8Array.of(0, 255, 10)),
    Parsed: parsed,
    Now: 'live 1',
  })

  // A new version is not active yet, so that nobody gets it.
  await write('put', { Name: 'web/key', Value: base64('key 2') })
  await go.ok('refresh')
  expect(await go.text('secret', { Name: 'web/key' })).toBe('key 1')
  expect(await go.ok('updated')).toEqual({ Text: 'made of key 1' })
  await write('activate', { Name: 'web/key', Version: 2 })
  await rotate('web/live', 2, 'live 2')
  await go.ok('refresh')
  expect(await go.text('secret', { Name: 'web/key' })).toBe('key 2')
  expect((await go.ok('settings')).Settings).toMatchObject({ Now: 'live 2' })
  expect(await go.ok('updated')).toEqual({ Text: 'made of key 2' })
  await rotate('web/key', 3, 'bad')
  await go.ok('refresh')
  expect(await go.ask('updated')).toMatchObject({ Text: 'made of key 2', Failed: 'other' })
  await rotate('web/key', 4, 'key 4')
  await go.ok('refresh')
  expect(await go.ok('updated')).toEqual({ Text: 'made of key 4' })
  expect(await go.text('version', { Name: 'web/key', Version: 2 })).toBe('key 2')
  await go.ok('close')

  // By itself, from now on, and what it has it keeps while nobody answers.
  await go.ok('store', { Names: ['web/key'], PollMs: 50 })
  await rotate('web/key', 5, 'key 5')
  const becomes = (value: string): Promise<unknown> =>
    waitFor(async () => (await go.text('secret', { Name: 'web/key' })) === value, {
      what: value,
      timeoutMs: 30_000,
    })
  await becomes('key 5')
  await daemon.kill('SIGTERM')
  await waitFor(async () => ((await go.ok('metrics')).Metrics?.['counter_poll_errors'] ?? 0) > 2)
  expect(await go.text('secret', { Name: 'web/key' })).toBe('key 5')
  expect((await go.ask('refresh')).Message).toContain('status 503')
  await site.start()
  ;(await site.unlock()).close()
  await site.ready()
  await rotate('web/key', 6, 'key 6')
  await becomes('key 6')
  await gateway.child.kill('SIGTERM')
  expect((await go.ask('refresh')).Failed).toBe('other')
  await site.startGateway()
  await rotate('web/key', 7, 'key 7')
  await becomes('key 7')
  await go.ok('close')
})

test('single versions: made and read by the store', async (context) => {
  await using go = await startLibrary(context)
  await using started = await startGatewaySite()
  const { site, admin } = started
  const { secret } = await makeSetecCaller(admin, 'ann')
  await go.ok('client', { Server: site.at(secret) })
  await go.ok('store', { Lookup: true })
  const Name = 'signing/key'
  await go.ok('new-version', { Name, Version: 20_260_101, Value: base64('of January') })
  await go.ok('new-version', { Name, Version: 20_260_201, Value: base64('of February') })
  const again = { Name, Version: 20_260_101, Value: base64('another') }
  expect(await go.fails('new-version', again)).toBe('claimed')
  expect(await go.text('secret', { Name })).toBe('of February')
  expect(await go.text('version', { Name, Version: 20_260_101 })).toBe('of January')
  expect(await go.fails('version', { Name, Version: 1 })).toBe('not-found')
  await callSetec(site.at(secret), 'delete-version', { Name, Version: 20_260_101 })
  await go.ok('refresh')
  expect(await go.fails('version', { Name, Version: 20_260_101 })).toBe('not-found')
  await go.ok('close')
})

test('a file of one store is that of another, in both directions', async (context) => {
  await using go = await startLibrary(context)
  await using started = await startGatewaySite()
  const { site, admin } = started
  const { secret } = await makeSetecCaller(admin, 'ann')
  const values: Readonly<Record<string, string>> = {
    'web/key': 'key of the web',
    'a "quoted" \u2028 <name>': 'ünd\u0000\n',
  }
  const names = Object.keys(values)
  for (const Name of names) {
    await callSetec(site.at(secret), 'create-version', {
      Name,
      Version: 7,
      Value: base64(values[Name] as string),
    })
  }
  const theirs = site.home.file('theirs', 'cache')
  const ours = site.home.file('ours', 'cache')
  await go.ok('client', { Server: site.at(secret) })
  await go.ok('store', { Names: names, Lookup: true, Cache: theirs })
  await go.ok('close')
  expect(statSync(theirs).mode & 0o777).toBe(0o600)
  const client = new Client(site.at(secret))
  {
    await using store = await openSetecStore({
      client,
      secrets: names,
      cache: fileCache(ours, { plaintext: true }),
    })
    expect(store.secret('web/key')?.text()).toBe('key of the web')
  }
  // From here on, nobody answers: what is read is in the files.
  for (const child of [...site.gateways, ...site.children]) await child.kill()

  for (const file of [theirs, ours]) {
    const before = readFileSync(file)
    {
      await using store = await openSetecStore({
        client,
        secrets: names,
        cache: fileCache(file, { plaintext: true }),
      })
      for (const name of names) {
        expect(store.secret(name)?.text()).toBe(values[name])
        expect(store.secret(name)?.version).toBe(7)
      }
    }
    await using fromFile = await openSetecStore({ client: await fileSource(file), secrets: names })
    for (const name of names) expect(fromFile.secret(name)?.text()).toBe(values[name])
    // As it was before our store has written it again, and after.
    const copy = site.home.write('copy', before)
    for (const Cache of [copy, file]) {
      await go.ok('store', { Names: names, Cache })
      for (const Name of names) expect(await go.text('secret', { Name })).toBe(values[Name])
      await go.ok('close')
      await go.ok('store', { Names: names, File: Cache })
      for (const Name of names) expect(await go.text('secret', { Name })).toBe(values[Name])
      await go.ok('close')
    }
  }
  const written = site.home.file('by-hand')
  const text = { 'web/key': { secret: { TextValue: 'by hand', Version: 3 } }, 'web/none': {} }
  writeFileSync(written, JSON.stringify(text))
  chmodSync(written, 0o600)
  await go.ok('store', { Names: ['web/key'], File: written })
  expect(await go.text('secret', { Name: 'web/key' })).toBe('by hand')
  await using store = await openSetecStore({
    client: await fileSource(written),
    secrets: ['web/key'],
  })
  expect(store.secret('web/key').text()).toBe('by hand')
  expect((await go.ask('store', { Names: ['web/none'], File: written })).Message).toContain(
    'missing 1 unavailable secrets',
  )
})
