import { readFileSync } from 'node:fs'
import { SECRETS_CLIENT_FAULTS, SecretsClientError } from '@secreg/secrets-api/client'
import { expect, test } from 'vitest'
import { site } from '../client/site.ts'
import { renew } from './client-example.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const README = read('../../README.md')

test('the example of the client is the one that runs, and does what it says', async () => {
  expect(README).toContain(`\`\`\`ts\n${read('client-example.ts')}\`\`\`\n`)
  const { url, openbao } = await site()
  const getToken = async () => 't'
  expect(await renew(url, getToken, 'fresh')).toBe('renewed')
  // Another one writes between the look and the change.
  const { read: look } = openbao
  const place = { mount: 'secret', segments: ['app', 'api'] }
  let looks = 0
  openbao.read = async (...args) => {
    const found = await look.apply(openbao, args)
    if (++looks === 1) await openbao.write(place, new Map([['token', 'other']]))
    return found
  }
  expect(await renew(url, getToken, 'fresh')).toBe('somebody else was faster')
})

test('the table of faults is whole', () => {
  for (const code of SECRETS_CLIENT_FAULTS) {
    expect(README).toContain(`| \`${code}\` | ${new SecretsClientError(code).message} |\n`)
  }
})
