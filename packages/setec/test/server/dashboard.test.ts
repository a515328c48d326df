/** The page at the root: what a caller may know of, and nothing that a name could smuggle into it. */
import { SecregError } from '@secreg/protocol'
import { type SecretInfo, serveDashboard } from '@secreg/setec/server'
import { expect, test } from 'vitest'

const page = (secrets: readonly SecretInfo[]) =>
  serveDashboard(async () => ({ list: async () => secrets }) as never)

test('it shows names and versions, the active one in bold, sorted', async () => {
  const { status, contentType, body } = await page([
    { Name: 'b', Versions: [1, 3], ActiveVersion: 3 },
    { Name: 'a', Versions: [2], ActiveVersion: 2 },
  ])
  expect(status).toBe(200)
  expect(contentType).toBe('text/html; charset=utf-8')
  expect(body).toContain('<tr><td>a</td><td><strong>2</strong></td></tr>\n<tr><td>b</td>')
  expect(body).toContain('<td>1, <strong>3</strong></td>')
})

test('a name is text, whatever it holds', async () => {
  const Name = `<script>alert("x")</script>&'\u202e\0\u2028`
  const { body } = await page([{ Name, Versions: [1], ActiveVersion: 1 }])
  expect(body).toContain(
    '&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;\\u{202e}\\u{0}\\u{2028}',
  )
  expect(body).not.toContain('<script')
})

test.each([
  ['AUTH_REQUIRED', 401],
  ['AUTH_FAILED', 401],
  ['UNREACHABLE', 503],
  ['SEALED', 503],
] as const)('whoever is nobody sees nothing: %s', async (reason, status) => {
  const answer = await serveDashboard(() => Promise.reject(new SecregError(reason, 'no')))
  expect(answer).toMatchObject({ status, contentType: 'text/plain; charset=utf-8' })
})

test('a listing that fails is told as any other', async () => {
  const failing = { list: () => Promise.reject(new SecregError('AUDIT_FAILED', 'no')) }
  const answer = await serveDashboard(async () => failing as never)
  expect(answer).toMatchObject({ status: 500, body: 'internal error\n' })
})
