import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { missing, value, xml } from './example.ts'
import { listen } from './server-example.ts'
import { portOf } from './surroundings.ts'
import { refusals, text } from './xml-example.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const README = read('../../README.md')

test('the examples of the README are the ones that run, and do what they say', async () => {
  for (const file of ['xml-example.ts', 'example.ts', 'client-example.ts', 'server-example.ts']) {
    expect(README).toContain(`\`\`\`ts\n${read(file)}\`\`\`\n`)
  }
  expect(text).toContain("<usage type='ceph'>\n    <name>client.libvirt</name>")
  expect(refusals).toHaveLength(1)
  expect(missing).toMatch(/^Secret not found: secret '.*' does not have a value$/)
  expect(value).toBe('open sesame')
  expect(xml).toContain('<description>cluster key</description>')

  const directory = mkdtempSync(join(tmpdir(), 'libvirt-'))
  const path = join(directory, 's')
  const server = listen(path, portOf())
  await waitFor(() => server.listening)
  vi.stubEnv('LIBVIRT_SOCKET', path)
  const { usages, seen } = await import('./client-example.ts')
  expect(usages.toSorted()).toEqual(['/dev/vg/data', 'client.libvirt'])
  expect(seen).toEqual(['defined', 'value-changed', 'undefined'])
  await new Promise<void>((resolve) => server.close(() => resolve()))
  rmSync(directory, { recursive: true })
  vi.unstubAllEnvs()
})
