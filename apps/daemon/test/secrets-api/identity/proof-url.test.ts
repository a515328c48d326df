import { expect, test } from 'vitest'
import { normalUrl } from '../../../src/secrets-api/identity/proof-url.ts'

test.each([
  ['https://h/a', 'https://h/a'],
  ['HTTPS://H/A', 'https://h/A'],
  ['https://h', 'https://h/'],
  ['https://h:443/', 'https://h/'],
  ['http://h:80/', 'http://h/'],
  ['http://h:443/', 'http://h:443/'],
  ['https://h:8443/', 'https://h:8443/'],
  ['https://h/a?b#c', 'https://h/a'],
  ['https://h#c?d', 'https://h/'],
  ['https://h/a/./b/../c', 'https://h/a/c'],
  ['https://h/a/%2E%2e/c', 'https://h/c'],
  ['https://h/%61%7e%2f%3a', 'https://h/a~%2F%3A'],
  ['https://h/a/', 'https://h/a/'],
  ['https://h//a', 'https://h//a'],
  ['https://[2001:DB8:0::1]/', 'https://[2001:db8::1]/'],
  ['https://h/a@b', 'https://h/a@b'],
])('%s is %s', (text, expected) => {
  expect(normalUrl(text)).toBe(expected)
  expect(normalUrl(expected)).toBe(expected)
})

test.each([
  '',
  '/a',
  'h/a',
  'https:/h/a',
  'https:h',
  'https://',
  'ftp://h/',
  'https://user@h/',
  'https://user:word@h/',
  'https://h\\a',
  'https://h/\\a',
  ' https://h/',
  'https://h/ ',
  'https://h/\n',
  'https://h/é',
  'https://h:99999/',
  'https://[::1/',
  'javascript://h/',
])('%j is none', (text) => {
  expect(normalUrl(text)).toBeUndefined()
})
