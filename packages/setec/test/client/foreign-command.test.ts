/** setec's own command against the server of tests: `setec` in PATH, or the path in SECREG_TEST_SETEC. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@secreg/setec'
import { startSetecServer } from '@secreg/setec/testing'
import { cleanEnv, requireProgram, runChild, type SkippableContext } from '@secreg/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { text } from './support.ts'

function started(context: SkippableContext, url: string) {
  const program = process.env['SECREG_TEST_SETEC'] || requireProgram(context, 'setec')
  return async (args: readonly string[], input = '') => {
    const { code, stdout, stderr } = await runChild(program, ['-s', url, ...args], {
      env: cleanEnv(),
      input,
    })
    return { code, stdout, stderr }
  }
}

test('what the command writes the client reads, and the other way', async (context) => {
  await using server = await startSetecServer({ prefix: '/t/tok3n' })
  const setec = started(context, server.url)
  const client = new Client(server.url)
  expect(await setec(['list'])).toMatchObject({ code: 0 })
  expect(await setec(['put', 'web/key'], 'one')).toMatchObject({ code: 0 })
  expect(text((await client.get('web/key')).value)).toBe('one')
  expect(await client.put('web/key', 'two')).toBe(2)
  expect(await setec(['activate', 'web/key', '2'])).toMatchObject({ code: 0 })
  expect(await setec(['get', 'web/key'])).toMatchObject({ code: 0, stdout: 'two' })
  expect(await setec(['get', '--version', '1', 'web/key'])).toMatchObject({ stdout: 'one' })
  expect(await setec(['get', '--if-changed', '--version', '2', 'web/key'])).toMatchObject({
    code: 1,
    stdout: '',
  })
  await client.createVersion('web/key', 9, 'nine')
  expect((await setec(['info', 'web/key'])).stdout).toMatch(/9/)
  expect((await setec(['list'])).stdout).toContain('web/key')
  const confirm = await setec(['delete-version', 'web/key', '1'])
  const [token = ''] = /[0-9a-f]+\.[0-9a-f]{16}/.exec(confirm.stdout + confirm.stderr) ?? []
  expect(await setec(['delete-version', 'web/key', '1', token])).toMatchObject({ code: 0 })
  expect((await client.info('web/key')).versions).toEqual([2, 9])
})

test('the command takes credentials from the address, and is denied as the client is', async (context) => {
  const home = mkdtempSync(join(tmpdir(), 'secreg-setec-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  await using server = await startSetecServer({
    callers: { web: [{ action: ['get', 'put'], secret: ['web/*'] }] },
  })
  const file = join(home, 'value')
  writeFileSync(file, 'v')
  const web = started(context, server.urlFor('web'))
  expect(await web(['put', '--from-file', file, 'web/a'])).toMatchObject({ code: 0 })
  expect(await web(['get', 'web/a'])).toMatchObject({ code: 0, stdout: 'v' })
  expect(await web(['get', 'mail/a'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('access denied'),
  })
  expect(await web(['get', 'web/none'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('not found'),
  })
  expect(await started(context, server.urlFor('nobody'))(['list'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('unable to identify caller'),
  })
})
