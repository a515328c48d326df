/** The audit log as an auditor meets it: questions, following, and what shows that nobody has changed it. */
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type Child, waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { ADMIN } from '../lib/site.ts'
import type { Desk } from './desk.ts'
import { openDeskOfTwo } from './desk-of-two.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

interface Told {
  readonly sequence: number
  readonly time: string
  readonly action: string
  readonly outcome: string
  readonly paths: readonly string[]
  readonly actor: {
    readonly user?: string
    readonly account?: string
    readonly session?: string
    readonly token?: string
    readonly door: string
  }
}

async function records(desk: Desk, args = ''): Promise<readonly Told[]> {
  const { records: found } = JSON.parse(
    await desk.ok(`sreg audit --json --limit 1000 ${args}`),
  ) as {
    records: readonly Told[]
  }
  return found
}

const sequencesOf = (found: readonly Told[]): number[] => found.map(({ sequence }) => sequence)

/** Start the daemon again and let everybody in. */
async function reopen(desk: Desk): Promise<void> {
  await desk.start()
  await desk.ok('sreg unlock --password-stdin < passphrase')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
}

test('every filter, alone and with others, newest first', async () => {
  await using desk = await openDeskOfTwo()
  desk.env['CI'] = await desk.ok('sreg token create --full --label ci').then((text) => text.trim())
  await desk.ok('sreg set /app/one 1 && sreg set /app/two 2 && sreg get /app/one')
  await desk.ok('SECREG_TOKEN="$CI" sreg set /app/three 3')
  await desk.fails('as-bob get /app/one', 3, 'sreg: ')
  await desk.fails('sreg get /app/nothing', 2, 'no such key')
  const all = await records(desk)
  expect(sequencesOf(all)).toEqual(Array.from({ length: all.length }, (_, at) => all.length - at))
  const { actor } = all.find(({ paths }) => paths.includes('/app/three')) ?? {}
  const middle = all.at(Math.floor(all.length / 2))?.time ?? ''
  type Filter = readonly [args: string, fits: (record: Told) => boolean]
  const filters: readonly Filter[] = [
    ['--user bob', (one) => one.actor.user === 'bob'],
    [`--user ${ADMIN}`, (one) => one.actor.user === ADMIN],
    ['--key /app', (one) => one.paths.some((path) => path.startsWith('/app/'))],
    ['--key /app/one', (one) => one.paths.includes('/app/one')],
    ['--action write', (one) => one.action === 'write'],
    ['--failed', (one) => one.outcome !== 'ok'],
    ['--outcome ok', (one) => one.outcome === 'ok'],
    ['--outcome denied', (one) => one.outcome === 'denied'],
    ['--door registry', (one) => one.actor.door === 'registry'],
    [`--account ${actor?.account}`, (one) => one.actor.account === actor?.account],
    [`--session ${actor?.session}`, (one) => one.actor.session === actor?.session],
    [`--ident ${actor?.token}`, (one) => one.actor.token === actor?.token],
    ['--correlation none', () => false],
    [`--since ${middle}`, (one) => one.time >= middle],
    [`--until ${middle}`, (one) => one.time < middle],
  ]
  // Each question is recorded, too; what is compared is what was there before the first one.
  const ask = async (args: string): Promise<number[]> =>
    sequencesOf(await records(desk, args)).filter((sequence) => sequence <= all.length)
  let some = 0
  for (const [at, [args, fits]] of filters.entries()) {
    const alone = sequencesOf(all.filter(fits))
    expect(await ask(args), args).toEqual(alone)
    some += alone.length === 0 ? 0 : 1
    // An option is given once; with the filters behind the last one come the first ones.
    const others = [...filters.slice(at + 1), ...filters.slice(0, at)].filter(
      ([more]) => more.split(' ')[0] !== args.split(' ')[0],
    )
    for (const [more, fitsToo] of others.slice(0, 2)) {
      const both = sequencesOf(all.filter((one) => fits(one) && fitsToo(one)))
      expect(await ask(`${args} ${more}`), `${args} ${more}`).toEqual(both)
    }
  }
  // All but the correlation that nobody gave.
  expect(some).toBe(filters.length - 1)
  const many = `--user ${ADMIN} --key /app --action write --outcome ok --door registry --since 1h`
  const writes = all.filter(({ action, paths }) => action === 'write' && paths.length > 0)
  expect(await ask(many)).toEqual(sequencesOf(writes))
  expect(await ask(`${many} --scan`)).toEqual(sequencesOf(writes))
  await desk.ok('sreg set /app/last 1')
  const { records: newest } = JSON.parse(await desk.ok('sreg audit --limit 1 --json')) as {
    records: readonly Told[]
  }
  expect(newest).toMatchObject([{ action: 'write', paths: ['/app/last'], outcome: 'ok' }])
})

/** Numbers of the records that a follower has printed. */
const toldBy = (child: Child): number[] =>
  child
    .stdout()
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as Told).sequence)

test('--follow shows what others do, across restarts, without a gap and nothing twice', async () => {
  await using desk = await openDeskOfTwo()
  const token = (await desk.ok('sreg token create --full')).trim()
  const args = ['audit', '--follow', '--limit', '2', '--json']
  const byLogin = desk.launch(args)
  const byToken = desk.launch(args, undefined, { SECREG_TOKEN: token })
  const followers = [byLogin, byToken]
  const seen = (path: string): Promise<unknown> =>
    waitFor(() => followers.every((one) => one.stdout().includes(`"${path}"`)), {
      timeoutMs: 30_000,
    })
  await waitFor(() => followers.every((one) => toldBy(one).length >= 2), { timeoutMs: 30_000 })
  await desk.ok('as-bob get /bob-was-here || true')
  await seen('/bob-was-here')
  for (const [round, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
    await desk.ok(`sreg set /app/before${round} 1`)
    await desk.daemon?.kill(signal)
    await reopen(desk)
    await desk.ok(`sreg set /app/after${round} 1`)
    await seen(`/app/after${round}`)
  }
  for (const follower of followers) follower.signal('SIGINT')
  for (const follower of followers) {
    expect(await follower.exit).toMatchObject({ code: 0, signal: null })
    const told = toldBy(follower)
    const [first = 0] = told
    expect(told).toEqual(Array.from(told, (_, at) => first + at))
  }
  // The session that the token opened is ended with the command.
  const { sessions } = JSON.parse(await desk.ok('sreg status --json')) as { sessions: number }
  expect(sessions).toBe(1)
  const inFile = desk.site.records().map(({ seq }) => seq)
  expect(inFile).toEqual(expect.arrayContaining(toldBy(byLogin)))
})

test('a byte that was changed is found at its record; proofs hold without the daemon', async () => {
  await using desk = await openDeskOfTwo()
  await desk.ok('sreg set /app/one 1 && sreg set /app/two 2')
  await desk.ok('sreg audit rotate-key >> keys && sreg set /app/three 3')
  await desk.ok('sreg audit checkpoint --output kept')
  await desk.ok('sreg audit prove 5 --output proof --line line')
  await desk.ok('sreg audit consistency kept --output grown')
  await desk.transcript(`
    $ sreg audit verify --checkpoint kept
    Records:      {number}
    Checkpoints:  {number}
    Result:       whole and unchanged
    $ sreg audit prove 99999
    ! sreg: the log has lines 1 to {number}
    [1]
  `)
  await desk.stop()
  await desk.transcript(`
    $ sreg audit check-proof proof --line line --key-file keys
    Proven:     record 5 is in the log of {number} records
    Log:        secreg/audit/{hex}
    Signed by:  {any}
    $ sreg audit check-proof grown --old kept --key-file keys
    Proven:     the log of {number} records continues the one of {number} records
    Log:        secreg/audit/{hex}
    Signed by:  {any}
    $ sreg audit check-proof proof --line kept --key-file keys
    ! sreg: the record is not number 5 of that log
    ! do not believe it: ask for it again, and verify the log
    [7]
  `)
  const verify = 'sreg audit verify --directory audit --key-file keys'
  const path = `${desk.site.audit}/00000001.jsonl`
  const sound = readFileSync(path)
  await desk.ok(verify)
  const lines = sound.toString().trimEnd().split('\n')
  for (const at of [0, 4, lines.length - 1]) {
    const bytes = Buffer.from(sound)
    const where = bytes.indexOf(lines[at] ?? '') + (lines[at] ?? '').indexOf('"action":"') + 11
    bytes.writeUInt8(bytes.readUInt8(where) ^ 1, where)
    writeFileSync(path, bytes)
    const { code, stdout } = await desk.sh(`${verify} --json`)
    expect(code).toBe(7)
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      // What the last one was, no line behind it says, but its checkpoint.
      fault: {
        kind: at === lines.length - 1 ? 'rewritten' : 'edited',
        sequence: at + 1,
        segment: 1,
      },
    })
    expect((await desk.sh(verify)).stdout).toContain(`record ${at + 1}\n`)
  }
  writeFileSync(path, sound)
  await desk.ok(verify)
})

test('a log that was put back with its checkpoints: only one that was kept elsewhere finds it', async () => {
  await using desk = await openDeskOfTwo()
  await desk.ok('sreg audit keys --json > keys.json')
  const { keys } = JSON.parse(readFileSync(desk.path('keys.json'), 'utf8')) as {
    keys: readonly { key: string }[]
  }
  desk.env['KEY'] = keys[0]?.key
  await desk.ok('sreg set /app/one 1')
  await desk.stop()
  cpSync(desk.site.audit, desk.path('older'), { recursive: true, preserveTimestamps: true })
  const before = desk.site.records().length
  await reopen(desk)
  await desk.ok('sreg set /app/two 2 && sreg audit checkpoint > kept')
  await desk.stop()
  const verify = 'sreg audit verify --directory audit --key "$KEY"'
  await desk.ok(`${verify} --checkpoint kept`)
  renameSync(desk.site.audit, desk.path('newer'))
  cpSync(desk.path('older'), desk.site.audit, { recursive: true, preserveTimestamps: true })
  await desk.ok(verify)
  const { code, stdout } = await desk.sh(`${verify} --checkpoint kept --json`)
  expect(code).toBe(7)
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    records: before,
    fault: { kind: 'truncated', sequence: before + 1 },
  })
  // Only the records, without the checkpoints: these find it.
  rmSync(desk.site.audit, { recursive: true })
  cpSync(desk.path('older'), desk.site.audit, { recursive: true, preserveTimestamps: true })
  cpSync(desk.path('newer/checkpoints'), `${desk.site.audit}/checkpoints`)
  const found = await desk.sh(verify)
  expect(found.code).toBe(7)
  expect(found.stdout).toContain(`record ${before + 1}\n`)
})
