/** Every request of the protocol, asked in an order in which all of them have something to do. */
import type { RequestKind } from './wire.ts'

/** Members of a request. */
export type Payload = Readonly<Record<string, unknown>>

/**
 * Ask one request.
 *
 * @param records - how many records it is to leave when it is allowed; default 1
 * @returns its answer; undefined when it was refused
 */
export type Ask = (
  kind: RequestKind,
  payload: Payload,
  records?: number,
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
) => Promise<any>

/** What the requests are about. */
export interface Subject {
  /** Path below which entries are made. */
  readonly base: string
  /** Name of whatever is made beside entries: lower-case letters and digits. */
  readonly name: string
  /** Values, passwords and passphrases that are set and shown. */
  readonly secret: string
  /** What opens the registry, and the password of whoever asks. */
  readonly passphrase: string
  readonly password: string
}

/** Ask everything but what ends the session or seals the registry, where the Secrets API is off. */
export async function askEverything(ask: Ask, subject: Subject): Promise<void> {
  await askAboutItself(ask)
  await askEntries(ask, subject)
  await askChanges(ask, subject)
  await askDialect(ask, subject)
  await askInParts(ask, subject)
  await askIdentities(ask, subject)
  await askPolicies(ask, subject)
  await askUpkeep(ask, subject)
  await askSecrets(ask, subject)
}

async function askAboutItself(ask: Ask): Promise<void> {
  // No operations (DESIGN §2).
  await ask('hello', { versions: [1], features: ['transactions'] }, 0)
  await ask('status', {}, 0)
  await ask('whoami', {}, 0)
}

async function askEntries(ask: Ask, { base, secret }: Subject): Promise<void> {
  const key = `${base}/a`
  await ask('set', { key, value: secret, encrypt: true })
  await ask('set', { key, value: `${secret}2`, type: 'string', encrypt: true, if_version: 1 })
  await ask('set', { key: `${base}/json`, value: { secret }, type: 'json', ttl_s: 3600 })
  await ask('set', { key: `${base}/memory`, value: secret, ephemeral: true })
  await ask('set', { key: `${base}/private`, value: secret, encrypt: true, private: true })
  const { version } = (await ask('get', { key, decrypt: true, detail: true })) ?? {}
  // Nothing was read.
  await ask('get', { key, if_changed: version ?? 1 }, 0)
  await ask('get', { key: `${base}/absent` })
  await ask('get', { key: `${base}/private`, decrypt: true })
  await ask('list', { prefix: base, recursive: true, detail: true })
  await ask('history', { key })
  await ask('search', { prefix: base, text: 'a', metadata: {} })
  await ask('meta', { op: 'set', key, description: 'of a test', tags: ['t'], custom: { a: 'b' } })
  await ask('meta', { op: 'get', key })
  await ask('txn', {
    compare: [{ key, version: 2 }],
    then: [
      { op: 'get', key, decrypt: true },
      { op: 'set', key: `${base}/b`, value: secret, encrypt: true },
      { op: 'delete', key: `${base}/none` },
    ],
    else: [{ op: 'set', key: `${base}/b`, value: secret }],
  })
}

/** By the write rules of a door that is not this one. */
async function askDialect(ask: Ask, { name, secret }: Subject): Promise<void> {
  const of = { dialect: 'setec', key: `/setec/${name}` }
  const value = Buffer.from(secret).toString('base64')
  await ask('dialect', { ...of, operation: 'put', request: { value } })
  await ask('dialect', { ...of, operation: 'put', request: { value } })
  await ask('dialect', { ...of, operation: 'create-version', request: { version: 7, value } })
  await ask('dialect', { ...of, operation: 'activate', request: { version: 1 } })
  await ask('dialect', { ...of, operation: 'delete-version', request: { version: 1 } })
  await ask('dialect', { ...of, operation: 'delete', request: {} })
  await ask('dialect', { ...of, operation: 'none', request: {} })
}

async function askChanges(ask: Ask, { base, secret }: Subject): Promise<void> {
  const key = `${base}/a`
  await ask('versions', { op: 'rollback', key, version: 1 })
  await ask('versions', { op: 'activate', key, version: 2 })
  await ask('versions', { op: 'destroy', key, versions: [1] })
  await ask('transfer', { op: 'copy', from: base, to: `${base}-copy`, recursive: true })
  await ask('transfer', { op: 'move', from: `${base}-copy`, to: `${base}/moved`, recursive: true })
  await ask('delete', { key: `${base}/moved`, recursive: true })
  await ask('delete', { key })
  await ask('versions', { op: 'undelete', key })
  await ask('versions', { op: 'purge', key: `${base}/b` })
  const { watch_id = 1 } = (await ask('watch', { prefix: base })) ?? {}
  await ask('unwatch', { watch_id }, 0)
  await ask('mount', { op: 'set', path: `${base}/m`, dialect: 'registry', encrypt: true })
  await ask('mount', { op: 'list' })
  await ask('mount', { op: 'remove', path: `${base}/m` })
  await ask('set', { key: `${base}/wrong`, value: secret, type: 'integer' })
}

/** What takes several requests is one operation. */
async function askInParts(ask: Ask, { base, secret, passphrase }: Subject): Promise<void> {
  // More than one answer holds.
  for (const key of [`${base}/large/1`, `${base}/large/2`]) {
    await ask('set', { key, value: 'x'.repeat(700_000), type: 'json' })
  }
  const { cursor = 'x' } = (await ask('export', { prefix: base, with_secrets: true })) ?? {}
  await ask('export', { cursor }, 0)
  const { import: id = 'x' } = (await ask('import', { op: 'begin', force: true }, 0)) ?? {}
  const entries = [{ key: `${base}/i`, value: secret, encrypt: true }]
  await ask('import', { op: 'stage', import: id, entries }, 0)
  await ask('import', { op: 'diff', import: id })
  await ask('import', { op: 'commit', import: id })
  const other = (await ask('import', { op: 'begin' }, 0))?.import ?? 'x'
  await ask('import', { op: 'abort', import: other }, 0)
  const { backup = 'x' } = (await ask('backup', { op: 'begin' })) ?? {}
  const pieces: string[] = []
  for (let last = false; !last; ) {
    const piece = await ask('backup', { op: 'read', backup }, 0)
    pieces.push(piece?.data ?? '')
    last = piece?.last ?? true
  }
  await ask('backup', { op: 'status' })
  const dropped = (await ask('backup', { op: 'begin' }))?.backup ?? 'x'
  await ask('backup', { op: 'abort', backup: dropped }, 0)
  const { restore = 'x' } = (await ask('restore', { op: 'begin' }, 0)) ?? {}
  for (const data of pieces) await ask('restore', { op: 'stage', restore, data }, 0)
  const proof = { passphrase }
  await ask('restore', { op: 'commit', restore, only: base, proof, dry_run: true })
  await ask('restore', { op: 'diff', restore, offset: 0 }, 0)
  await ask('restore', { op: 'commit', restore, only: base, proof })
  const unused = (await ask('restore', { op: 'begin', size: 10 }, 0))?.restore ?? 'x'
  await ask('restore', { op: 'abort', restore: unused }, 0)
  const since = (await ask('audit', { follow: true, limit: 1, failed: true })) ?? {}
  await ask('audit', { follow: true, cursor: since.cursor ?? 'x' }, 0)
  await ask('audit', { limit: 2, action: 'write', key: base })
}

async function askIdentities(ask: Ask, { name, secret }: Subject): Promise<void> {
  const user = name
  await ask('user', { op: 'add', user, password: secret, roles: ['user'], uids: [] })
  await ask('user', { op: 'list' })
  await ask('user', { op: 'show', user })
  await ask('user', { op: 'roles', user, roles: ['user', 'operator'] })
  await ask('user', { op: 'uids', user, uids: [4_000_000] })
  await ask('user', { op: 'password', user, password: `${secret}2` })
  await ask('group', { op: 'add', kind: 'group', name, description: 'of a test' })
  await ask('group', { op: 'describe', kind: 'group', name, description: 'of another' })
  await ask('group', { op: 'join', kind: 'group', name, user })
  await ask('group', { op: 'show', kind: 'group', name })
  await ask('group', { op: 'list', kind: 'role' })
  await ask('group', { op: 'leave', kind: 'group', name, user })
  await ask('user', { op: 'groups', user, groups: [name] })
  const made = await ask('token', { op: 'create', user, boundary: 'full', label: 'of a test' })
  await ask('token', { op: 'list', user })
  await ask('token', { op: 'revoke', token: made?.tokens?.[0]?.token ?? 'x' })
  await ask('mfa', { op: 'status', user })
  await ask('mfa', { op: 'reset', user })
  await ask('mfa', { op: 'begin', password: secret })
  await ask('mfa', { op: 'confirm', code: '000000' })
  await ask('mfa', { op: 'recovery', code: '000000' })
  await ask('mfa', { op: 'remove', code: '000000' })
  await ask('user', { op: 'disable', user })
  await ask('user', { op: 'enable', user })
  await ask('user', { op: 'revoke', user })
  await ask('user', { op: 'rename', user, name: `${name}x` })
  await ask('user', { op: 'remove', user: `${name}x` })
  await ask('group', { op: 'remove', kind: 'group', name })
  await ask('password', { old_password: secret, new_password: `${secret}3` })
  await askZones(ask, name, secret.replaceAll('-', ''))
}

async function askZones(ask: Ask, zone: string, password: string): Promise<void> {
  const login = 'box'
  const switches = { allow_passwd: true, allow_tokens: true, allow_passwd_auth: true }
  await ask('zone', { op: 'add', zone, ...switches, max_temp_validity_s: 600 })
  await ask('zone', { op: 'set', zone, description: 'of a test' })
  await ask('zone', { op: 'list' })
  await ask('zone', { op: 'create-account', zone, login })
  await ask('zone', { op: 'accounts', zone })
  await ask('zone', { op: 'set-password', zone, login, password })
  await ask('zone', { op: 'check', zone, login, password })
  await ask('zone', { op: 'check', zone, login, password: `${password}x` })
  await ask('zone', { op: 'allow-password', zone, login, allow: true })
  await ask('zone', { op: 'delete-password', zone, login })
  const { ident = 'x' } = (await ask('zone', { op: 'create-token', zone, login })) ?? {}
  await ask('zone', { op: 'change-token', zone, login, ident, comment: 'of a test' })
  await ask('zone', { op: 'delete-token', zone, login, ident })
  await ask('zone', { op: 'create-temp', zone, login, validity_s: 60 })
  await ask('zone', { op: 'delete-account', zone, login })
  await ask('zone', { op: 'remove', zone })
}

async function askPolicies(ask: Ask, { base, name }: Subject): Promise<void> {
  const rule = { effect: 'allow', principals: ['role:user'], actions: ['read'] }
  const document = { id: name, rules: [{ id: 'r', ...rule, resources: [`${base}/**`] }] }
  const question = { action: 'read', resource: base }
  await ask('policy', { op: 'lint', document })
  await ask('policy', { op: 'diff', document })
  await ask('policy', { op: 'set', document, if_revision: 0 })
  await ask('policy', { op: 'get', policy: name })
  await ask('policy', { op: 'list' })
  await ask('policy', { op: 'test', requests: [{ ...question, principals: ['role:user'] }] })
  await ask('policy', { op: 'explain', ...question, context: { purpose: 'test' } })
  await ask('policy', { op: 'who-can', ...question })
  await ask('policy', { op: 'what-can' })
  await ask('policy', {
    op: 'evaluate',
    form: 'evaluation',
    request: {
      subject: { type: 'role', id: 'user' },
      action: { name: 'read' },
      resource: { type: 'secret', id: base },
    },
  })
  await ask('policy', { op: 'delete', policy: name })
}

async function askUpkeep(ask: Ask, { name, secret, passphrase }: Subject): Promise<void> {
  const proof = { passphrase }
  const kind = 'passphrase'
  await ask('protector', { op: 'list' })
  await ask('protector', { op: 'add', kind, passphrase: secret, label: name, proof })
  await ask('protector', {
    op: 'change',
    protector: name,
    passphrase: `${secret}2`,
    proof,
  })
  await ask('protector', { op: 'remove', protector: name })
  await ask('rotate', { op: 'start' })
  await ask('rotate', { op: 'status' })
  await ask('security', { op: 'check' })
  await ask('security', { op: 'audit' })
  await ask('maintain', { op: 'doctor' })
  await ask('maintain', { op: 'support' })
  await ask('maintain', { op: 'metrics' })
  await ask('maintain', { op: 'compact' })
  const { checkpoint = 'x' } = (await ask('evidence', { op: 'checkpoint' })) ?? {}
  await ask('evidence', { op: 'consistency', checkpoint })
  await ask('evidence', { op: 'prove', sequence: 1 })
  await ask('evidence', { op: 'verify', checkpoints: [checkpoint] })
  await ask('evidence', { op: 'keys' })
  await ask('evidence', { op: 'rotate-key' })
  // It is initialised, and open.
  await ask('seal', { op: 'init', passphrase: secret, admin: name, admin_password: secret })
  await ask('seal', { op: 'unlock', passphrase })
}

/** Nobody serves it: no operation. */
async function askSecrets(ask: Ask, { name, secret }: Subject): Promise<void> {
  const uri = `yaml://secret/${name}`
  const body = JSON.stringify({ uri, value: { a: secret } })
  await ask('secrets', { op: 'ask', route: 'write', body }, 0)
  await ask('secrets', { op: 'ask', route: 'value', query: `uri=${uri}%23a` }, 0)
  await ask('secrets', { op: 'follow', wait: 0 }, 0)
}
