/** Classes 22 and 28 of faults of others (specs: kv2 §5.2): what a client shows when it fails, and where its requests go. */
import { type AddressInfo, createServer } from 'node:net'
import { Client } from '@secreg/setec'
import { createCanary, shownByFailure } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { answer, json, stubFetch } from './support.ts'

describe('class 22: what fails shows neither credential nor value', () => {
  const token = createCanary('token')
  const user = createCanary('user')
  const value = createCanary('value')
  const base64 = Buffer.from(value).toString('base64')
  const text = `${token} ${user} ${value} ${base64}`

  test.each([
    ['a refusal that quotes all', () => answer(403, text)],
    ['an answer that is none', () => answer(200, `{"Value":"${text}`)],
    ['another type', () => json({ Value: [text], Version: text })],
    ['a page', () => answer(502, `<html>${text}</html>`)],
    [
      'a fault of the network',
      () => {
        throw new TypeError(text, { cause: new Error(text) })
      },
    ],
  ])('%s', async (_what, respond) => {
    const { fetch } = stubFetch(respond)
    const client = new Client(`https://${user}@setec.test/t/${token}`, { fetch })
    for (const call of [
      () => client.put('web/a', value),
      () => client.createVersion('web/a', 3, value),
      () => client.get('web/a').then(() => Promise.reject(new Error('done'))),
    ]) {
      const shown = (await shownByFailure(call)) ?? ''
      for (const secret of [token, user, value, base64]) expect(shown).not.toContain(secret)
    }
  })

  test.each([
    ['not framed as it says', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ'],
    ['not of HTTP', ''],
  ])('an answer that is %s, of which the platform keeps a piece', async (_what, head) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', () => socket.end(`${head}${value}\r\n`))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => void server.close())
    const client = new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const shown = await shownByFailure(() => client.get('web/a'))
    expect(shown).toContain('ERR_SETEC_TRANSPORT')
    expect(shown).not.toContain(value)
  })
})

describe('class 28: no name is part of an address', () => {
  test.each([
    '../../api/delete',
    '%2e%2e/x',
    'a?b=c',
    'a#b',
    'a\0b',
    'a\r\nX: y',
    '/etc/passwd',
    'https://elsewhere.example/',
  ])('%j', async (name) => {
    const { sent, fetch } = stubFetch(() => json({ Value: '', Version: 1 }))
    const client = new Client('https://setec.test/t/tok', { fetch })
    await client.get(name)
    await client.put(name, 'v').catch(() => {})
    await client.delete(name).catch(() => {})
    expect(sent.map(({ url }) => url)).toEqual(
      ['get', 'put', 'delete'].map((operation) => `https://setec.test/t/tok/api/${operation}`),
    )
    for (const { json: body } of sent) expect(body['Name']).toBe(name)
  })
})
