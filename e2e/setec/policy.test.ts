/**
 * Capability documents of setec attached to accounts, groups and tokens, by commands of an administrator, and what they
 * and policies of ours let clients of setec do, through HTTP.
 */
import { expect, test, vi } from 'vitest'
import { base64, callSetec } from '../lib/setec-call.ts'
import { DoorDesk } from './door-desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const VALUE = { Value: base64('x') }

type Try = readonly [operation: string, name: string, status: number, more?: object]

/** Ask for each, and be answered as expected. */
async function answers(desk: DoorDesk, token: string, tries: readonly Try[]): Promise<void> {
  for (const [operation, name, status, more] of tries) {
    expect(await desk.status(token, operation, name, more), `${operation} ${name}`).toBe(status)
  }
}

/** Names that a list shows. */
async function listed(desk: DoorDesk, token: string): Promise<string[]> {
  const { json } = await callSetec(desk.at(token), 'list')
  return (json ?? []).map(({ Name }: { Name: string }) => Name)
}

test('of an account, of a group and of a token; and what is changed counts at once', async () => {
  await using desk = await DoorDesk.open()
  await desk.ok('sreg group add ops')
  const ann = await desk.addUser('ann')
  const ben = await desk.addUser('ben', '--groups ops')
  // As Tailscale has it; the older label does not count where the newer one says something.
  await desk.import('of-ann', 'user:ann', {
    'tailscale.com/cap/secrets': [
      { action: ['get', 'info', 'put', 'activate'], secret: ['prod/*', 'dev/ann'] },
      { action: ['create-version'], secret: ['signing/*'] },
    ],
    'https://tailscale.com/cap/secrets': [{ action: ['delete'], secret: ['*'] }],
  })
  await desk.import('of-ops', 'group:ops', [
    { action: ['get', 'info'], secret: ['*/db/*', 'exact'] },
    { action: ['delete'], secret: ['tmp-*'], unknown: true },
  ])
  await answers(desk, ann, [
    ['put', 'prod/db/key', 200, VALUE],
    ['put', 'prod/web', 200, VALUE],
    ['put', 'dev/ann', 200, VALUE],
    ['put', 'dev/ann/x', 403, VALUE],
    ['put', 'production', 403, VALUE],
    ['get', 'prod/db/key', 200],
    ['info', 'prod/db/key', 200],
    ['activate', 'prod/db/key', 200, { Version: 1 }],
    ['create-version', 'prod/db/key', 403, { Version: 7, ...VALUE }],
    ['create-version', 'signing/a', 200, { Version: 7, ...VALUE }],
    // No action implies another one.
    ['get', 'signing/a', 403],
    ['delete', 'prod/web', 403],
    ['delete-version', 'prod/web', 403, { Version: 1 }],
    ['get', '', 403],
  ])
  await answers(desk, ben, [
    ['get', 'prod/db/key', 200],
    ['info', 'prod/db/key', 200],
    // What he may not see, there or not.
    ['get', 'prod/web', 403],
    ['get', 'nothing', 403],
    ['get', 'exact', 404],
    ['get', 'exactly', 403],
    ['put', 'prod/db/key', 403, VALUE],
    ['delete', 'tmp-1', 200],
  ])
  expect(await listed(desk, ann)).toEqual(['dev/ann', 'prod/db/key', 'prod/web'])
  expect(await listed(desk, ben)).toEqual(['prod/db/key'])

  // Of a token: what its owner may and the boundary alone allows.
  await desk.import('read-prod', 'boundary:read-prod', [
    { action: ['get', 'info', 'delete'], secret: ['prod/*'] },
  ])
  const bounded = await desk.token('ann', '--boundary read-prod')
  await answers(desk, bounded, [
    ['get', 'prod/web', 200],
    ['info', 'prod/web', 200],
    ['put', 'prod/web', 403, VALUE],
    ['get', 'dev/ann', 403],
    ['create-version', 'signing/a', 403, { Version: 8, ...VALUE }],
    // The boundary would, its owner may not.
    ['delete', 'prod/web', 403],
  ])
  expect(await listed(desk, bounded)).toEqual(['prod/db/key', 'prod/web'])
  // It gives nothing to anybody else.
  expect(await desk.status(ben, 'get', 'prod/web')).toBe(403)

  // Each is in the midst of a session, of which nobody waits for the end.
  await desk.ok('sreg group leave ops ben')
  await answers(desk, ben, [['get', 'prod/db/key', 403]])
  expect(await callSetec(desk.at(ben), 'list')).toMatchObject({ status: 200, text: 'null' })
  await desk.ok('sreg group join ops ben')
  await answers(desk, ben, [['get', 'prod/db/key', 200]])
  await desk.import('of-ops', 'group:ops', [{ action: ['info'], secret: ['*'] }])
  await answers(desk, ben, [
    ['get', 'prod/db/key', 403],
    ['info', 'prod/web', 200],
  ])
  expect(await listed(desk, ben)).toHaveLength(4)
  await desk.import('read-prod', 'boundary:read-prod', [{ action: ['get'], secret: ['dev/*'] }])
  await answers(desk, bounded, [
    ['get', 'prod/web', 403],
    ['get', 'dev/ann', 200],
  ])
  await desk.ok('sreg policy delete of-ann --yes')
  await answers(desk, ann, [['get', 'prod/web', 403]])
  await answers(desk, bounded, [['get', 'dev/ann', 403]])
  await answers(desk, ben, [['info', 'prod/web', 200]])
  await desk.ok('sreg user disable ben')
  await answers(desk, ben, [['info', 'prod/web', 401]])
  await desk.ok('sreg user enable ben')
  const short = await desk.token('ben', '--full --uses 2')
  await answers(desk, short, [
    ['info', 'prod/web', 200],
    ['info', 'prod/web', 200],
    ['info', 'prod/web', 401],
  ])
})

test('beside policies of ours: a deny is above them, an allow adds, conditions see the client', async () => {
  await using desk = await DoorDesk.open()
  const ann = await desk.addUser('ann')
  await desk.import('of-ann', 'user:ann', [
    { action: ['get', 'info', 'put', 'delete'], secret: ['web/*'] },
  ])
  await answers(desk, ann, [
    ['put', 'web/a', 200, VALUE],
    ['put', 'web/b', 200, VALUE],
    ['get', 'web/a', 200],
  ])
  await desk.ok('printf x | sreg set /setec/other%2Fa - --encrypt')
  await desk.ok('sreg set /app/a x')
  const rule = (id: string, effect: string, actions: string[], resources: string[], more = {}) => ({
    id,
    effect,
    principals: ['user:ann'],
    actions,
    resources,
    ...more,
  })
  const set = async (...rules: object[]): Promise<void> => {
    desk.file('native.json', JSON.stringify({ id: 'native', rules }))
    await desk.ok('sreg policy set native.json --yes')
  }
  await set(
    rule('frozen', 'deny', ['update', 'purge'], ['/setec/web%2Fa']),
    rule('more', 'allow', ['read', 'decrypt'], ['/setec/other%2F*']),
  )
  await answers(desk, ann, [
    ['put', 'web/a', 403, { Value: base64('new') }],
    ['delete', 'web/a', 403],
    ['delete-version', 'web/a', 404, { Version: 7 }],
    ['put', 'web/b', 200, VALUE],
    ['get', 'other/a', 200],
    ['info', 'other/a', 403],
    ['get', 'other', 403],
  ])
  expect(await listed(desk, ann)).toEqual(['web/a', 'web/b'])
  // Of two rights that a get is, one is not enough.
  await set(rule('half', 'allow', ['read'], ['/setec/other%2F*']))
  await answers(desk, ann, [
    ['get', 'other/a', 403],
    ['put', 'web/a', 200, VALUE],
  ])

  // Where the client is, through which door, and how sure it is who he is.
  const from = '127.0.0.88'
  const statusFrom = async (address: string, name: string): Promise<number> => {
    const options = { from: address }
    return (await callSetec(desk.at(ann), 'get', { Name: name }, options)).status
  }
  const get = ['read', 'decrypt']
  await set(
    rule('near', 'allow', get, ['/setec/other%2F*'], { when: { ip: [`${from}/32`] } }),
    rule('far', 'deny', get, ['/setec/web%2Fb'], { unless: { ip: ['127.0.0.1'] } }),
  )
  expect(await statusFrom(from, 'other/a')).toBe(200)
  expect(await statusFrom('127.0.0.1', 'other/a')).toBe(403)
  expect(await statusFrom(from, 'web/b')).toBe(403)
  expect(await statusFrom('127.0.0.1', 'web/b')).toBe(200)
  await set(
    rule('http', 'deny', get, ['/setec/web%2Fa'], { when: { door: ['http'] } }),
    rule('sure', 'allow', get, ['/setec/other%2F*'], { when: { proof: ['credential'] } }),
  )
  await answers(desk, ann, [
    ['get', 'web/a', 403],
    ['get', 'web/b', 200],
    ['get', 'other/a', 200],
  ])

  // The same rules through the other door: of the mount, and of nothing else.
  desk.env['SECREG_TOKEN'] = ann
  await desk.transcript(`
    $ sreg get /setec/web%2Fa --decrypt
    eA==
    $ sreg get /setec/web%2Fb --decrypt
    eA==
    $ sreg get /app/a
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ sreg activate /setec/web%2Fa 1
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ sreg policy explain update /setec/web%2Fa --exit-code
    {lines}
    $ sreg policy explain destroy /setec/other%2Fa --exit-code
    {lines}
    [3]
  `)
})
