import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { assertEnvironment, HostError } from '@secreg/host'
import { buildSync } from 'esbuild'
import { describe, expect, it } from 'vitest'

const codeOf = (options: Parameters<typeof assertEnvironment>[0]): string => {
  try {
    assertEnvironment({ env: {}, execArgv: [], ...options })
  } catch (error) {
    return HostError.is(error) ? error.code : String(error)
  }
  return ''
}

describe('assertEnvironment', () => {
  it.each([
    ['--inspect'],
    ['--inspect=0.0.0.0:9229'],
    ['--inspect-brk'],
    ['--inspect-port=0'],
    ['--heapsnapshot-signal=SIGUSR2'],
    ['--heap-prof'],
    ['--report-on-fatalerror'],
  ])('refuses %s', (option) => {
    expect(codeOf({ execArgv: ['--enable-source-maps', option] })).toBe('ERR_HOST_ENVIRONMENT')
  })

  it('refuses NODE_OPTIONS and accepts its absence', () => {
    expect(codeOf({ env: { NODE_OPTIONS: '--require=/tmp/x.js' } })).toBe('ERR_HOST_ENVIRONMENT')
    expect(codeOf({ env: { NODE_OPTIONS: '' } })).toBe('')
    expect(codeOf({ execArgv: ['--max-old-space-size=512', '--enable-source-maps'] })).toBe('')
  })
})

describe('hardenProcess', () => {
  const run = (
    env: NodeJS.ProcessEnv,
  ): { status: number | null; stdout: string; stderr: string } => {
    const entry = fileURLToPath(new URL('../src/hardening.ts', import.meta.url))
    const built = buildSync({
      entryPoints: [entry],
      bundle: true,
      format: 'esm',
      platform: 'node',
      write: false,
    })
    const main = `
      const report = hardenProcess()
      const { readFileSync: read } = await import('node:fs')
      console.log(JSON.stringify({ report, umask: process.umask(),
        filter: read('/proc/self/coredump_filter', 'utf8').trim(),
        limits: read('/proc/self/limits', 'utf8') }))`
    const code = `${built.outputFiles[0]?.text}\n${main}`
    return spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...env },
    })
  }

  it('reports exactly what the kernel says afterwards', () => {
    const { stdout, stderr } = run({})
    expect(stderr).toBe('')
    const { report, umask, filter, limits } = JSON.parse(stdout)
    expect(umask).toBe(0o077)
    expect(report.filterZero).toBe(/^0+$/.test(filter))
    expect(report.limitZero).toBe(/^Max core file size\s+0\s+0\s/m.test(limits))
    expect(report.warnings).toHaveLength(Number(!report.filterZero) + Number(!report.limitZero))
  })

  it('says what it could not do, and goes on', () => {
    const without = JSON.parse(run({ PATH: '/nowhere' }).stdout)
    expect(without.report.limitZero).toBe(/^Max core file size\s+0\s+0\s/m.test(without.limits))
  })

  it('does not start with NODE_OPTIONS', () => {
    const { status, stdout, stderr } = run({ NODE_OPTIONS: '--no-warnings' })
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain('NODE_OPTIONS is set')
  })
})
