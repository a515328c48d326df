import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { createReadiness } from '@secreg/host'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Home, makeHome } from './home.ts'

let home: Home
beforeEach(() => {
  home = makeHome()
})
afterEach(() => home.remove())

/** A `systemd-notify` that writes down its arguments and environment. */
function fake(script = ''): NodeJS.ProcessEnv {
  const log = home.file('log')
  home.write(
    'systemd-notify',
    `#!/bin/sh\n${script}\nprintf '%s\\n' "$@" "[$NOTIFY_SOCKET]" "$(/usr/bin/env | /usr/bin/sort | /usr/bin/tr '\\n' ' ')" >> ${log}\n`,
  )
  chmodSync(home.file('systemd-notify'), 0o700)
  return { NOTIFY_SOCKET: '/run/notify', PATH: home.path, SECRET: 'hunter2' }
}

const sent = (): string[] => readFileSync(home.file('log'), 'utf8').split('\n')

describe('createReadiness', () => {
  it('tells the service manager, in order', async () => {
    const readiness = createReadiness({ env: fake() })
    expect(readiness.enabled).toBe(true)
    void readiness.ready('serving')
    void readiness.reloading()
    void readiness.ready()
    await readiness.stopping()
    expect(
      sent().filter((line) => /^(READY|RELOADING|STOPPING|STATUS|MONOTONIC)/.test(line)),
    ).toEqual([
      'READY=1',
      'STATUS=serving',
      'RELOADING=1',
      expect.stringMatching(/^MONOTONIC_USEC=\d+$/),
      'READY=1',
      'STOPPING=1',
    ])
    expect(sent()).toContain('[/run/notify]')
    expect(sent()).toContain(`--pid=${process.pid}`)
    expect(sent().join()).not.toContain('hunter2')
  })

  it('keeps a status in one line', async () => {
    await createReadiness({ env: fake() }).status('a\nMAINPID=1\u0000b')
    expect(sent()).toContain('STATUS=a MAINPID=1 b')
  })

  it('does nothing without a service manager', async () => {
    const { NOTIFY_SOCKET: _, ...env } = fake()
    const readiness = createReadiness({ env })
    await readiness.ready()
    expect(readiness.enabled).toBe(false)
    expect(existsSync(home.file('log'))).toBe(false)
  })

  it('never fails: program absent, failing, hanging', async () => {
    const errors: unknown[] = []
    const onError = (error: unknown): unknown => errors.push(error)
    await createReadiness({ env: { NOTIFY_SOCKET: 'x', PATH: '/nowhere' }, onError }).ready()
    await createReadiness({ env: fake('exit 3'), onError }).ready()
    await createReadiness({ env: fake('exec /bin/sleep 60'), onError, timeoutMs: 50 }).ready()
    expect(errors).toHaveLength(3)
  })
})
