/** python3-libvirt against the daemon: what it asks, what it is told, and events while somebody else changes secrets. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { findProgram, runChild, skipTest, startChild, waitFor } from '@secreg/testkit'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { becomeOrdinary, type LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import { LibvirtTap } from '../lib/libvirt-tap.ts'
import { uriOf } from '../lib/libvirt-virsh.ts'
import type { StartedSite } from '../lib/site.ts'

const PROGRAM = fileURLToPath(new URL('client.py', import.meta.url))
const UUID = '55555555-5555-4555-8555-000000000001'
const HIDDEN = '55555555-5555-4555-8555-000000000002'
const HANDLE = [UUID, 4, 'py']
const PLACE = { cwd: '/', timeoutMs: 20_000 }

let running: Promise<StartedSite<LibvirtSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

async function stage(context: TestContext) {
  const python = requireLibvirtPython(context)
  running ??= prepared(context)
  const { daemon, site } = await running
  const args = (what: string, socket = site.door) => ['-B', PROGRAM, what, uriOf(socket)]
  return { args, daemon, python, site }
}

async function prepared(context: TestContext): Promise<StartedSite<LibvirtSite>> {
  const started = await startLibvirtSite(context)
  await becomeOrdinary(started.admin)
  return started
}

/** A Python that has libvirt's module: the first one of the path, or the system's, which distributions install it for. */
function requireLibvirtPython(context: TestContext): string {
  for (const path of [process.env['PATH'], '/usr/bin']) {
    const found = findProgram('python3', path)
    if (!found.found) continue
    const { status } = spawnSync(found.path, ['-c', 'import libvirt'], {
      cwd: '/',
      stdio: 'ignore',
    })
    if (status === 0) return found.path
  }
  return skipTest(context, 'Python module libvirt is not installed')
}

function toldBy(stdout: string): [what: string, result: unknown][] {
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

test('everything that it can do with secrets', async (context) => {
  const { args, python, site } = await stage(context)
  const { code, stdout, stderr } = await runChild(python, args('crud'), PLACE)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const missing = [66, 30, `Secret not found: no secret with matching uuid '${UUID}'`]
  expect(toldBy(stdout)).toEqual([
    ['type', 'secret'],
    ['uri', uriOf(site.door)],
    ['version', 9_000_000],
    ['alive', 1],
    ['secure', 1],
    ['encrypted', 0],
    ['none', [0, []]],
    ['define', HANDLE],
    ['bytes', UUID.replaceAll('-', '')],
    ['set', 0],
    ['value', Buffer.from('\0py\xff', 'latin1').toString('base64')],
    [
      'xml',
      `<secret ephemeral='yes' private='no'>\n  <uuid>${UUID}</uuid>\n  <usage type='tls'>\n    <name>py</name>\n  </usage>\n</secret>\n`,
    ],
    ['set the largest', 0],
    ['value of the largest', true],
    ['define hidden', [HIDDEN, 0, '']],
    ['list', [2, [UUID, HIDDEN]]],
    ['EPHEMERAL', [UUID]],
    ['NO_EPHEMERAL', [HIDDEN]],
    ['PRIVATE', [HIDDEN]],
    ['NO_PRIVATE', [UUID]],
    ['by uuid', HANDLE],
    ['by text', HANDLE],
    ['by usage', HANDLE],
    ['connection', true],
    ['undefine', [0, 0]],
    ['gone', [missing, missing, missing]],
    ['close', 1],
  ])
})

test('what it is refused: code, domain and text are those of libvirtd', async (context) => {
  const { args, python } = await stage(context)
  const { code, stdout, stderr } = await runChild(python, args('refusals'), PLACE)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const unsupported = 'this function is not supported by the connection driver: '
  const forbidden = 'operation forbidden: read only access prevents '
  const defined = `internal error: a secret with UUID ${UUID}`
  expect(toldBy(stdout)).toEqual([
    [
      'missing uuid',
      [66, 30, `Secret not found: no secret with matching uuid '${UUID.slice(0, -1)}9'`],
    ],
    ['missing usage', [66, 30, "Secret not found: no secret with matching usage 'nope'"]],
    ['no usage', [66, 30, "Secret not found: no secret with matching usage ''"]],
    ['no value', [66, 30, `Secret not found: secret '${UUID}' does not have a value`]],
    ['private', [65, 30, 'Invalid secret: secret is private']],
    ['empty', [8, 30, 'value in virSecretSetValue must not be NULL']],
    // It is the client that refuses this one.
    ['too long', [39, 13, 'value length greater than maximum: 65537 > 65536']],
    ['twice', [1, 30, `${defined} already defined for use with py`]],
    ['redefined', [1, 30, `${defined} is already defined for use with py`]],
    ['bad flag', [8, 30, 'unsupported flags (0x4) in function secretDefineXML']],
    ['bad list', [8, 30, 'unsupported flags (0x10) in function secretConnectListAllSecrets']],
    ['bad xml', [35, 30, '(definition_of_secret):1: the document is not well-formed']],
    ['bad root', [27, 5, "XML error: expecting root element of 'secret', not 'domain'"]],
    ['bad usage', [67, 30, 'unsupported configuration: unknown secret usage type bogus']],
    ['other driver', [3, 20, `${unsupported}virConnectListAllDomains`]],
    ['capabilities', [3, 20, `${unsupported}virConnectGetCapabilities`]],
    ['looking', [UUID, HIDDEN]],
    ['reading', [29, 30, `${forbidden}virSecretGetValue`]],
    ['writing', [29, 30, `${forbidden}virSecretSetValue`]],
    ['other name', [5, 0, 'no connection driver available for qemu:///system']],
  ])
})

test('events of its own changes and of others, and keepalive', async (context) => {
  const { args, daemon, python, site } = await stage(context)
  using tap = await LibvirtTap.listen(site.home.file('tap'), site.door)
  await using child = startChild(python, args('events', tap.path), { cwd: '/', keepInput: true })
  await child.line(/"ready"/)
  await using registry = await site.connect()
  const secret = await registry.getByUuid(UUID)
  await secret.setValue(Buffer.from('v'))
  await child.line(/"value-changed".*"one"/)
  const other = await registry.define({ uuid: HIDDEN })
  await other.setValue(Buffer.from('v'))
  await other.undefine()
  await child.line(/"lifecycle".*"55555555-5555-4555-8555-000000000002", 0, "", 1/)
  await waitFor(() => {
    const asked = tap.keepalive('client', 'ping')
    return asked > 0 && tap.keepalive('server', 'pong') === asked
  })
  child.process.stdin?.write('\n')
  await child.line(/"alive"/)
  const told = toldBy(child.stdout())
  // What came of one change is told to each callback, in any order.
  expect(told.slice(0, 3)).toEqual([['keepalive', 0], expect.anything(), expect.anything()])
  const events = told.filter(([what]) => what === 'lifecycle' || what === 'value-changed')
  expect(events.filter(([what]) => what === 'lifecycle')).toEqual([
    ['lifecycle', [...HANDLE, 0, 0, 'all']],
    ['lifecycle', [HIDDEN, 0, '', 0, 0, 'all']],
    ['lifecycle', [HIDDEN, 0, '', 1, 0, 'all']],
  ])
  expect(events.filter(([what]) => what === 'value-changed').sort()).toEqual(
    [
      ['value-changed', [...HANDLE, 'all']],
      ['value-changed', [...HANDLE, 'one']],
      ['value-changed', [HIDDEN, 0, '', 'all']],
    ].sort(),
  )
  expect(told.slice(-2)).toEqual([
    ['undefine', 0],
    ['alive', 1],
  ])
  // End of file: 1.
  await daemon.kill('SIGTERM')
  expect(await child.line(/"closed"/)).toBe('["closed", [1, "c"]]')
  await site.start()
})

test('it may go without a word, with handles and callbacks alive', async (context) => {
  const { args, python, site } = await stage(context)
  for (let round = 0; round < 3; round++) {
    const { code, stdout, stderr } = await runChild(python, args('leave'), PLACE)
    expect({ code, stderr, stdout }).toEqual({
      code: 0,
      stderr: '',
      stdout: `${JSON.stringify(['left', HANDLE]).replaceAll(',', ', ')}\n`,
    })
  }
  await using registry = await site.connect()
  const secret = await registry.getByUuid(UUID)
  expect(Buffer.from(await secret.getValue()).toString()).toBe('left')
  await secret.undefine()
})
