import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '../src/errors.ts'
import { MAX_TARGET_CHARS, parseTarget } from '../src/target.ts'

const origin = { form: 'origin', authority: undefined, query: undefined, token: undefined }

describe('parseTarget', () => {
  it.each([
    ['/', { path: '/' }],
    ['/api/get', { path: '/api/get' }],
    ['//api/get', { path: '//api/get' }],
    ['/a/../b/./c', { path: '/a/../b/./c' }],
    ['/%2e%2e/%2F/%61pi', { path: '/%2e%2e/%2F/%61pi' }],
    ['/a+b/', { path: '/a+b/' }],
    ['/a?', { path: '/a', query: '' }],
    ['/a?x=1?y=/t/z/', { path: '/a', query: 'x=1?y=/t/z/' }],
    ['/t/abc/api/get', { path: '/api/get', token: 'abc' }],
    ['/t/abc', { path: '/', token: 'abc' }],
    ['/t/abc/', { path: '/', token: 'abc' }],
    ['/t/abc//api', { path: '//api', token: 'abc' }],
    ['/t/a.b-c_d~e?q', { path: '/', token: 'a.b-c_d~e', query: 'q' }],
    ['/t/_a/x', { path: '/x', token: '_a' }],
    ['/t', { path: '/t' }],
    ['/T/abc/api', { path: '/T/abc/api' }],
    ['/x/t/abc/api', { path: '/x/t/abc/api' }],
    ['//t/abc', { path: '//t/abc' }],
  ])('takes %s apart', (raw, parts) => {
    expect(parseTarget(raw)).toEqual({ ...origin, ...parts })
  })

  it.each([
    ['http://h/api/get', { authority: 'h', path: '/api/get' }],
    ['HTTPS://h:443/x?y', { authority: 'h:443', path: '/x', query: 'y' }],
    ['http://h', { authority: 'h', path: '/' }],
    ['http://h?q', { authority: 'h', path: '/', query: 'q' }],
    ['http://[::1]:80/t/abc/x', { authority: '[::1]:80', path: '/x', token: 'abc' }],
  ])('takes %s apart, without scheme and authority', (raw, parts) => {
    expect(parseTarget(raw)).toEqual({ ...origin, form: 'absolute', ...parts })
  })

  it.each([
    ['', 'nothing'],
    ['*', 'asterisk form'],
    ['host:443', 'authority form'],
    ['api/get', 'no slash'],
    ['ftp://h/', 'another scheme'],
    ['http:/h/', 'no authority'],
    ['http://', 'an empty authority'],
    ['http:///x', 'an empty authority'],
    ['http://user:password@h/', 'userinfo'],
    ['http://h@evil/', 'userinfo'],
    ['http://h:123456/', 'a port that is none'],
    ['http://[::1/', 'a bracket without its end'],
    ['/a#b', 'a fragment'],
    ['/a\\b', 'a backslash'],
    ['/a b', 'a space'],
    ['/a\tb', 'a tab'],
    ['/a\x00', 'NUL'],
    ['/a\x7f', 'DEL'],
    ['/a\r\nX: y', 'a line end'],
    ['/\xe9', 'a byte beyond ASCII'],
    ['/t/', 'an empty token'],
    ['/t//api/get', 'an empty token'],
    ['/t/../api/get', 'a dot segment as token'],
    ['/t/./x', 'a dot segment as token'],
    ['/t/a%62c/x', 'an encoded token'],
    ['/t/a;b/x', 'no token character'],
    ['/t/-a/x', 'an option as token'],
    [`/t/${'a'.repeat(513)}/x`, 'a token that is too long'],
    ['/t/abc/t/def/x', 'two tokens'],
    ['/t/abc/t/', 'a second prefix'],
  ])('refuses %j: %s', (raw) => {
    expect(() => parseTarget(raw)).toThrow(
      expect.objectContaining({ code: 'ERR_GATEWAY_TARGET_INVALID', status: 400 }),
    )
  })

  it('refuses what is too long, by its length alone', () => {
    expect(parseTarget(`/${'a'.repeat(MAX_TARGET_CHARS - 1)}`).path).toHaveLength(MAX_TARGET_CHARS)
    expect(() => parseTarget(`/${'\x00'.repeat(MAX_TARGET_CHARS)}`)).toThrow(
      expect.objectContaining({ code: 'ERR_GATEWAY_TARGET_TOO_LONG', status: 414 }),
    )
  })

  it('never throws anything but its own refusal, which quotes nothing', () => {
    const piece = fc.oneof(
      fc.constantFrom('/t/', '/t', '/', '..', '%2e', '?', '#', 'http://', '@', ':', '\\', 'secret'),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ maxLength: 6 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const raw = pieces.join('')
        try {
          const { path, query, authority, token, form } = parseTarget(raw)
          expect(path.startsWith('/')).toBe(true)
          const prefix = token === undefined ? '' : `/t/${token}`
          const tail = query === undefined ? '' : `?${query}`
          // The path of a target that has none is the root.
          const forms = [`${prefix}${path}${tail}`, ...(path === '/' ? [`${prefix}${tail}`] : [])]
          if (form === 'origin') expect(forms).toContain(raw)
          else expect(forms.some((one) => raw.endsWith(`${authority}${one}`))).toBe(true)
        } catch (error) {
          if (!GatewayError.is(error)) throw error
          expect(error.message).not.toContain('secret')
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('leaves the token nowhere but in its own member', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9_]{20,60}$/)
    const path = fc.stringMatching(/^(?:\/[a-z0-9%.+-]{0,8}){0,5}$/)
    fc.assert(
      fc.property(token, path, (secret, rest) => {
        let parsed: ReturnType<typeof parseTarget>
        try {
          parsed = parseTarget(`/t/${secret}${rest}`)
        } catch (error) {
          expect(String(error)).not.toContain(secret)
          return
        }
        expect(parsed.token).toBe(secret)
        expect(JSON.stringify({ ...parsed, token: undefined })).not.toContain(secret)
        expect(parsed.path).toBe(rest === '' ? '/' : rest)
      }),
    )
  })
})
