/** What opens the registry, as several people at shells do it: shares, protectors, key files. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  createCanary,
  type Finished,
  findCanary,
  otherShare,
  startChild,
  waitFor,
} from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { PASSPHRASE, PASSWORD } from '../lib/site.ts'
import { Desk, openDesk, SREG } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const NEXT = 'another long passphrase'

/** A desk whose registry was made with 3 of 5 shares; answers them. */
async function sharedDesk(desk: Desk): Promise<string[]> {
  await desk.start()
  const init = 'sreg init --admin "$ADMIN" --shares 5 --threshold 3 --password-stdin < password'
  const shares = (await desk.ok(init)).trim().split('\n')
  expect(shares).toHaveLength(5)
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  return shares
}

async function restart(desk: Desk): Promise<void> {
  await desk.stop()
  await desk.start()
}

/** Another person, with a share in his own process. */
const give = (desk: Desk, share: string, ...more: string[]): Promise<Finished> =>
  desk.sreg(['unlock', '--share', '--password-stdin', ...more], `${share}\n`)

const stateOf = async (desk: Desk) =>
  JSON.parse(await desk.ok('sreg status --json')) as {
    state: string
    share_progress?: { have: number; need: number }[]
  }

test('init with shares, restart, unlock share by share with a process each; wrong ones are named', async () => {
  await using desk = new Desk()
  const shares = await sharedDesk(desk)
  await desk.ok('sreg set /secret value --encrypt')
  await using other = new Desk()
  const foreign = await sharedDesk(other)
  await restart(desk)

  const [first = '', second = '', third = ''] = shares
  const wrong: [string, number, RegExp][] = [
    ['not a share at all', 1, /mistyped.*\n.*type it again/],
    [`${first.slice(0, -2)}${first.endsWith('A') ? 'BB' : 'AA'}`, 1, /mistyped/],
    [first.slice(0, 50), 1, /mistyped/],
    [foreign[0] ?? '', 4, /of no set of this registry\n.*ask for a share of this registry/],
  ]
  for (const [share, code, message] of wrong) {
    const result = await give(desk, share)
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toMatch(message)
    expect(result.stderr).not.toContain(share)
  }
  expect((await stateOf(desk)).share_progress).toBeUndefined()

  expect((await give(desk, first.toLowerCase())).stderr).toContain('1 of 3 shares are there')
  expect((await give(desk, first)).stderr).toContain('1 of 3 shares are there')
  expect(await stateOf(desk)).toMatchObject({
    state: 'sealed',
    share_progress: [{ have: 1, need: 3 }],
  })
  const early = await give(desk, second.replaceAll('-', ' '), '--finish')
  expect(early).toMatchObject({ code: 6, stdout: '' })
  expect(early.stderr).toContain('3 shares are needed, and 2 are there')
  expect(await desk.ok('sreg status')).toMatch(/^Shares: +2 of 3$/m)
  expect(JSON.parse((await give(desk, third, '--json', '--finish')).stdout)).toEqual({
    state: 'unsealed',
  })
  expect(await stateOf(desk)).not.toHaveProperty('share_progress')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  expect(await desk.ok('sreg get /secret --decrypt')).toBe('value\n')

  // There is no passphrase; and what is wrong among enough shares is not told.
  await restart(desk)
  await desk.fails('sreg unlock --password-stdin < passphrase', 6, /it takes shares\n.*--share/)
  const forged = await give(desk, `${first}\n${second}\n${otherShare(third)}`)
  expect(forged).toMatchObject({ code: 4, stdout: '' })
  expect(forged.stderr).toContain('not all of the shares are genuine')
  const both = `${first}\n${second}\n`
  expect((await give(desk, both.trim())).stderr).toContain('2 of 3')
  await desk.ok('sreg unlock --reset')
  expect((await stateOf(desk)).share_progress).toBeUndefined()
  expect(await give(desk, [first, third, second].join('\n'))).toMatchObject({ code: 0, stderr: '' })
  expect((await stateOf(desk)).state).toBe('unsealed')
})

test('three people at the same time', async () => {
  await using desk = new Desk()
  const shares = await sharedDesk(desk)
  await restart(desk)
  const results = await Promise.all(shares.slice(2).map((share) => give(desk, share, '--json')))
  const states = results.map(({ stdout }) => (JSON.parse(stdout) as { state: string }).state)
  expect(states.toSorted()).toEqual(['sealed', 'sealed', 'unsealed'])
})

test('add, change and remove, across restarts: what is past opens nothing, every value stays readable', async () => {
  await using desk = await openDesk()
  await desk.ok('sreg set /secret value --encrypt')
  desk.file('proof', `${PASSPHRASE}\n`)
  desk.file('proof-next', `${PASSPHRASE}\n${NEXT}\n`)
  desk.file('next', `${NEXT}\n`)
  desk.file('key', randomBytes(32))
  const reads = async (unlock: string): Promise<void> => {
    await restart(desk)
    await desk.ok(unlock)
    await desk.ok('sreg login "$ADMIN" --password-stdin < password')
    expect(await desk.ok('sreg get /secret --decrypt')).toBe('value\n')
  }
  const fails = async (unlock: string, code: number): Promise<void> => {
    await restart(desk)
    await desk.fails(unlock, code, /./)
    await desk.ok('sreg unlock --key-file key')
    await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  }

  await desk.ok('sreg protector add key-file --file key --label host --password-stdin < proof')
  await reads('sreg unlock --key-file key')
  const [passphrase] = (
    JSON.parse(await desk.ok('sreg protector list --json')) as { protectors: { id: string }[] }
  ).protectors
  const id = passphrase?.id.slice(0, 8)
  await desk.fails(
    `sreg protector change ${id} --password-stdin < proof`,
    1,
    /line 2 of standard input is missing or empty/,
  )
  await desk.ok(`sreg protector change ${id} --password-stdin < proof-next`)
  await reads('sreg unlock --password-stdin < next')
  await fails('sreg unlock --password-stdin < passphrase', 4)
  // The old one proves nothing any more either.
  await desk.fails(
    'sreg protector add passphrase --password-stdin < proof-next',
    4,
    /nothing was changed; check the proof/,
  )

  const add = 'sreg protector add shares --shares 3 --threshold 2 --recovery --label board'
  const kept = (await desk.ok(`${add} --proof-key-file key`)).trim().split('\n')
  desk.file('kept', `${kept.slice(1).join('\n')}\n`)
  await fails('sreg unlock --share --password-stdin < kept', 6)
  await reads('sreg unlock --share --recovery --password-stdin < kept')
  desk.file('kept-next', `${kept.slice(0, 2).join('\n')}\n${NEXT} 2\n`)
  await desk.ok(
    'sreg protector add passphrase --label third --proof-shares --password-stdin < kept-next',
  )
  expect(await desk.ok('sreg protector list')).toMatch(
    /^Id .*\n[0-9a-f]{32} +passphrase +daily .*\n[0-9a-f]{32} +key-file +host +daily\n[0-9a-f]{32} +shares +board +recovery +2 of 3\n[0-9a-f]{32} +passphrase +third +daily .*\n$/,
  )

  await desk.ok('sreg protector remove third')
  await desk.fails('sreg protector remove third', 2, /sreg protector list/)
  await desk.ok('sreg protector remove host')
  await desk.fails(`sreg protector remove ${id}`, 6, /last one for daily use/)
  await restart(desk)
  await desk.fails('sreg unlock --key-file key', 6, /it takes a passphrase, for recovery shares/)
  await desk.ok('sreg unlock --password-stdin < next')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  await desk.ok(`sreg protector remove ${id} --force`)
  await desk.fails('sreg protector remove board --force', 6, /never removed/)
  await reads('sreg unlock --share --recovery --password-stdin < kept')
})

test('a key file that the configuration names later unseals at the start, one for recovery does not', async () => {
  await using desk = await openDesk()
  const key = desk.file('key', randomBytes(32))
  desk.file('proof', `${PASSPHRASE}\n`)
  const add = `sreg protector add key-file --file ${key} --label host --password-stdin`
  await desk.ok(`${add} --recovery < proof`)
  desk.site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}` })
  await restart(desk)
  expect((await stateOf(desk)).state).toBe('sealed')
  await desk.ok('sreg unlock --password-stdin < passphrase')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  await desk.ok('sreg protector remove host')
  await desk.ok(`${add} < proof`)
  await restart(desk)
  expect((await stateOf(desk)).state).toBe('unsealed')
})

test('weakness 32: no share, passphrase or key file in data, log, argument, environment or message', async () => {
  await using desk = new Desk({ config: '[log]\nlevel = "trace"' })
  const shares = await sharedDesk(desk)
  const next = `${createCanary('next')} words`
  const third = `${createCanary('third')} words`
  const keyFile = Buffer.from(createCanary('key-file'))
  desk.file('key', keyFile)
  desk.file('three', `${shares.slice(0, 3).join('\n')}\n`)
  desk.file('three-next', `${shares.slice(0, 3).join('\n')}\n${next}\n`)
  desk.file('wrong-next', `${createCanary('wrong')}\n${next}\n`)
  desk.file('next-third', `${next}\n${third}\n`)
  const said: string[] = []
  const run = async (line: string): Promise<void> => {
    const { stdout, stderr } = await desk.sh(line)
    said.push(stderr, line.includes('shares') ? '' : stdout)
  }
  /** While a command waits for more input, everybody can read its arguments. */
  const lookAtCommand = async (args: readonly string[], line: string): Promise<void> => {
    await using child = startChild(process.execPath, [SREG, ...args, '--password-stdin'], {
      cwd: desk.site.home.path,
      env: desk.env,
      keepInput: true,
    })
    const read = (name: string): string => readFileSync(`/proc/${child.pid}/${name}`, 'latin1')
    await new Promise((written) => child.process.stdin?.write(`${line}\n`, written))
    await waitFor(() => read('cmdline').includes('--password-stdin'))
    for (const name of ['cmdline', 'environ']) expect(read(name)).not.toContain(line)
    expect(child.exited).toBe(false)
  }
  await run(
    'sreg protector add passphrase --label next --proof-shares --password-stdin < three-next',
  )
  await run('sreg protector add passphrase --label more --password-stdin < wrong-next')
  await run('sreg protector add key-file --file key --proof-shares --password-stdin < three')
  await run('sreg protector change next --password-stdin < next-third')
  await run('sreg protector list --json')
  await run('sreg audit --json --verbose')
  await run('sreg lock')
  for (const share of shares.slice(0, 2)) said.push((await give(desk, share)).stderr)
  await lookAtCommand(['unlock', '--share'], shares[2] ?? '')
  await lookAtCommand(['protector', 'add', 'passphrase'], next)
  const pid = desk.daemon?.pid ?? 0
  const secrets = [...shares, ...shares.map((text) => text.replaceAll('-', '')), next, third]
  for (const secret of [...secrets, keyFile.toString(), keyFile.toString('base64'), PASSWORD]) {
    for (const name of ['cmdline', 'environ']) {
      expect(readFileSync(`/proc/${pid}/${name}`, 'latin1')).not.toContain(secret)
    }
  }
  said.push((await give(desk, shares[2] ?? '')).stderr)
  expect((await stateOf(desk)).state).toBe('unsealed')
  await desk.stop()
  said.push(desk.daemon?.stderr() ?? '', desk.daemon?.stdout() ?? '')
  for (const secret of [...secrets, keyFile.toString()]) {
    expect(findCanary(secret, desk.site.data, desk.site.audit)).toEqual([])
    expect(said.join('\n')).not.toContain(secret)
  }
  // The search itself works: the label is in the store, and in the log.
  expect(findCanary('change passphrase', desk.site.audit)).not.toEqual([])
})
