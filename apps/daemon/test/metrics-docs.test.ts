/** docs/metrics.md and docs/alerts.yml say what a daemon exports, and nothing else. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { StatusResponse } from '@secreg/protocol'
import { freePort, rawHttp, requireProgram, runChild, waitFor } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DaemonMetrics } from '../src/metrics.ts'
import { type ExposedMetric, parseExposition } from './exposition.ts'
import { runDaemon } from './running-daemon.ts'

const ALERTS = fileURLToPath(new URL('../../../docs/alerts.yml', import.meta.url))
const METRICS = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url))

/** A status in which everything is known. */
const STATUS: Required<Omit<StatusResponse, 'share_progress' | 'size_bytes'>> = {
  status: 'running',
  state: 'unsealed',
  initialized: true,
  version: '1.2.3',
  uptime_s: 1,
  socket: '/s',
  database: '/d',
  audit: '/a',
  entries: 1,
  revision: 1,
  sessions: 1,
  connections: 1,
  store: 'open',
  log: 'healthy',
  log_sequence: 1,
  log_synced: 1,
  buffer_bytes: 1,
  rotation: { epoch: 2, phase: 'values', done: 3, total: 12, started_at: 0 },
  last_backup: { at: 1, id: 'a'.repeat(32), revision: 7, bytes: 1, where: 'client' },
  sinks: [{ name: 'syslog', state: 'idle', sequence: 1, lag: 0 }],
  last_checkpoint: { sequence: 1, at: 1 },
  warnings: [],
}

/** Everything that can be exported. */
async function all(): Promise<ReadonlyMap<string, ExposedMetric>> {
  const metrics = new DaemonMetrics({ version: '1.2.3' })
  onTestFinished(() => metrics.close())
  metrics.operations.observe('registry', 'get', 'ok', 0)
  metrics.secrets.record('secrets_decisions_total', { effect: 'Permit' }, 1)
  metrics.secrets.record('provider_request_latency_seconds', { provider: 'yaml', op: 'read' }, 1)
  metrics.secrets.record('secrets_errors_total', { code: 'INVALID_REQUEST' }, 1)
  metrics.secrets.record('pep_latency_ms', { hit: 'first' }, 1)
  metrics.secrets.record('secret_denies_total', { policy: 'policy' }, 1)
  const text = await metrics.text(STATUS, { level: 'ok', auditBytes: 1, storeBytes: 1 })
  return parseExposition(text)
}

test('a daemon exports all of it, sealed or not, on a socket and on a port', async () => {
  const port = await freePort()
  const ask = (at: string | number) =>
    rawHttp(at, 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const textOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4)
  const tcp = await runDaemon(`metrics.listen = "127.0.0.1:${port}"`)
  const unix = await runDaemon('metrics.listen = "HOME/m"')
  const names = [...(await all()).keys()]
  for (const [running, at] of [
    [tcp, port],
    [unix, unix.home.file('m')],
  ] as const) {
    const before = textOf(await ask(at))
    expect([...parseExposition(before).keys()]).toEqual(names)
    expect(before).toContain('secreg_seal_state{state="uninitialized"} 1\n')
    const admin = await running.initialize()
    await admin.set({ key: '/canary-of-a-path', value: 'canary-of-a-value' })
    await admin.get({ key: '/canary-of-a-path' })
    await waitFor(async () => (await ask(at)).includes('secreg_log_unsynced_records 0\n'))
    const text = textOf(await ask(at))
    for (const line of [
      'secreg_seal_state{state="unsealed"} 1',
      'secreg_log_healthy 1',
      'secreg_operations_total{door="registry",operation="get",outcome="ok"} 1',
      'secreg_operations_total{door="registry",operation="set",outcome="ok"} 1',
      'secreg_operation_duration_seconds_count{door="registry",operation="get"} 1',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(text).toMatch(/^secreg_filesystem_free_bytes\{filesystem="audit"\} [1-9]/m)
    expect(text).not.toContain('canary')
    expect(text).not.toContain(running.home.path)
    const asked = await admin.maintain({ op: 'metrics' })
    expect([...parseExposition(asked.metrics ?? '').keys()]).toEqual(names)
    await admin.seal({ op: 'lock' })
    expect(await ask(at)).toContain('secreg_seal_state{state="sealed"} 1\n')
    await running.daemon.configure(running.configOf('metrics.listen = "[::1]:1"'))
    expect(running.lines.map(({ event }) => event)).toContainEqual(
      expect.stringContaining('metrics.listen has changed'),
    )
  }
})

test('refusals and what is no request are counted as such', async () => {
  const running = await runDaemon()
  const admin = await running.initialize()
  const stranger = await running.connect()
  await stranger.auth({ username: 'nobody', password: 'x' })
  await expect(stranger.get({ key: '/a' })).rejects.toThrow()
  await expect(admin.get({ key: '/absent' })).rejects.toThrow()
  const text = await running.daemon.host.metricsText()
  for (const line of [
    'operation="auth",outcome="ok"} 1',
    'operation="auth",outcome="denied"} 1',
    'operation="get",outcome="denied"} 1',
    'operation="get",outcome="failed"} 1',
  ]) {
    expect(text).toContain(`secreg_operations_total{door="registry",${line}\n`)
  }
})

test('the table of metrics is true', async () => {
  const rows = [...(await all()).values()].map(({ name, type, labels, help }) => {
    const shown = [...labels].map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${shown} | ${help} |`
  })
  const table = ['| metric | type | labels | meaning |', '|---|---|---|---|', ...rows, ''].join(
    '\n',
  )
  const text = readFileSync(METRICS, 'utf8')
  const inside = /<!-- metrics: begin -->\n([\s\S]*)<!-- metrics: end -->/.exec(text)?.[1]
  expect(inside).toBe(table)
})

describe('the alerts', () => {
  const source = readFileSync(ALERTS, 'utf8')
  const rules = source.split(/^ +- alert: /m).slice(1)

  test('each has a name of its own, a comment, an expression, a severity and a text', () => {
    const names = rules.map((rule) => rule.split('\n', 1)[0] ?? '')
    expect(new Set(names).size).toBe(names.length)
    for (const [index, rule] of rules.entries()) {
      expect(names[index]).toMatch(/^Secreg[A-Za-z]+$/)
      for (const part of [
        /^ +expr: /m,
        /^ +for: \d+[smh]$/m,
        /^ +severity: (critical|warning)$/m,
        /^ +summary: /m,
      ]) {
        expect(rule, names[index]).toMatch(part)
      }
      expect(source).toMatch(new RegExp(`^ +# .*\\n +- alert: ${names[index]}$`, 'm'))
    }
    expect(rules.length).toBeGreaterThanOrEqual(12)
  })

  test('every metric and label of their expressions is exported', async () => {
    const metrics = await all()
    const expressions = rules.map((rule) => /^ +expr: (.*)$/m.exec(rule)?.[1] ?? '')
    for (const expression of expressions) {
      const used = [...expression.matchAll(/\b(secreg_[a-z_]+)(?:\{([^}]*)\})?/g)]
      expect(used.length, expression).toBeGreaterThan(0)
      const known = new Set<string>()
      for (const [, name = '', selector = ''] of used) {
        const metric = metrics.get(name) ?? metrics.get(name.replace(/_(bucket|sum|count)$/, ''))
        expect(metric, `${name} of ${expression}`).toBeDefined()
        for (const label of metric?.labels ?? []) known.add(label)
        if (metric?.type === 'histogram') known.add('le')
        for (const [word, label = '', how] of selector.matchAll(/([a-z_]+)(=~|=|!=)"[^"]*"/g)) {
          expect(metric?.labels, expression).toContain(label)
          if (how === '=' && label !== 'quantile') expect(metric?.words, expression).toContain(word)
        }
      }
      for (const [, labels = ''] of expression.matchAll(/\bby \(([^)]*)\)/g)) {
        for (const label of labels.split(', ')) expect([...known], expression).toContain(label)
      }
    }
    // Labels that texts speak of are kept by their expressions.
    for (const rule of rules) {
      const expression = /^ +expr: (.*)$/m.exec(rule)?.[1] ?? ''
      for (const [, label = ''] of rule.matchAll(/\$labels\.([a-z_]+)/g)) {
        const name = /secreg_[a-z_]+/.exec(expression)?.[0] ?? ''
        const isKept = !expression.includes('sum') || expression.includes(`by (${label}`)
        expect(isKept && metrics.get(name)?.labels.has(label), rule).toBe(true)
      }
    }
  })

  test('promtool takes them', async (context) => {
    const promtool = requireProgram(context, 'promtool')
    const { code, stdout, stderr } = await runChild(promtool, ['check', 'rules', ALERTS])
    expect(code, stdout + stderr).toBe(0)
  })
})
