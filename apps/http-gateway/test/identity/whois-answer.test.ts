import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readWhoisAnswer } from '../../src/identity/whois-answer.ts'

const read = (answer: unknown): readonly string[] | undefined =>
  readWhoisAnswer(JSON.stringify(answer))
const UserProfile = { ID: 1, LoginName: 'alice@example.com', DisplayName: 'Alice' }

describe('who it is', () => {
  it.each<[string, unknown, string[]]>([
    ['a login', { Node: { Name: 'n.ts.net.' }, UserProfile }, ['tailnet:alice@example.com']],
    ['null tags', { Node: { Tags: null }, UserProfile }, ['tailnet:alice@example.com']],
    ['no tags', { Node: { Tags: [] }, UserProfile }, ['tailnet:alice@example.com']],
    ['a tag, whoever the user', { Node: { Tags: ['tag:web'] }, UserProfile }, ['tailnet:tag:web']],
    ['a tag alone', { Node: { Tags: ['tag:web'] } }, ['tailnet:tag:web']],
    [
      'tags in one order',
      { Node: { Tags: ['tag:web', 'tag:db', 'tag:web'] } },
      ['tailnet:tag:db', 'tailnet:tag:web'],
    ],
    [
      'a login that is not ASCII',
      { Node: {}, UserProfile: { LoginName: 'žofie@example.com' } },
      ['tailnet:žofie@example.com'],
    ],
  ])('%s', (_, answer, assertions) => {
    expect(read(answer)).toEqual(assertions)
  })

  it.each<[string, unknown]>([
    ['nothing', {}],
    ['null', null],
    ['a list', []],
    ['no node', { UserProfile }],
    ['a null node', { Node: null, UserProfile }],
    ['a node of another kind', { Node: [], UserProfile }],
    ['no user', { Node: {} }],
    ['an empty login', { Node: {}, UserProfile: { LoginName: '' } }],
    ['a login of another kind', { Node: {}, UserProfile: { LoginName: ['alice'] } }],
    ['a login that passes for a tag', { Node: {}, UserProfile: { LoginName: 'tag:web' } }],
    ['the profile of tagged nodes', { Node: {}, UserProfile: { LoginName: 'tagged-devices' } }],
    ['a login with a line end', { Node: {}, UserProfile: { LoginName: 'a\nb' } }],
    ['a lone surrogate', { Node: {}, UserProfile: { LoginName: 'a\ud800' } }],
    ['a login that is too long', { Node: {}, UserProfile: { LoginName: 'a'.repeat(241) } }],
    ['tags as text', { Node: { Tags: 'tag:web' }, UserProfile }],
    ['tags as an object', { Node: { Tags: { 0: 'tag:web', length: 1 } }, UserProfile }],
    ['a tag without its word', { Node: { Tags: ['web'] }, UserProfile }],
    ['one bad tag among good', { Node: { Tags: ['tag:web', 'tag:'] }, UserProfile }],
    ['a tag of another kind', { Node: { Tags: [null] }, UserProfile }],
    ['a tag with an end of line', { Node: { Tags: ['tag:web\n'] }, UserProfile }],
    ['too many tags', { Node: { Tags: Array.from({ length: 64 }, (_, i) => `tag:t${i}`) } }],
  ])('is not told by %s', (_, answer) => {
    expect(read(answer)).toBeUndefined()
  })

  it.each(['', '{', 'no match for IP:port', '{"__proto__":{"Node":{"Tags":["tag:web"]}}}', '[[[['])(
    'is not told by the text %j',
    (text) => {
      expect(readWhoisAnswer(text)).toBeUndefined()
    },
  )

  it('nesting without end is no answer', () => {
    expect(readWhoisAnswer('['.repeat(200_000))).toBeUndefined()
    expect(readWhoisAnswer(`{"Node":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toBeUndefined()
  })
})

it('any answer gives well-formed assertions, or none', () => {
  const answer = fc.record(
    {
      Node: fc.oneof(
        fc.jsonValue(),
        fc.record({
          Tags: fc.oneof(fc.jsonValue(), fc.array(fc.constantFrom('tag:a', 'x', '', 1))),
        }),
      ),
      UserProfile: fc.oneof(
        fc.jsonValue(),
        fc.record({ LoginName: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()) }),
      ),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(answer, (value) => {
      for (const assertion of read(value) ?? []) {
        expect(assertion).toMatch(/^tailnet:[^\p{C}\p{Z}]+$/u)
        expect(assertion.length).toBeLessThanOrEqual(256)
      }
    }),
  )
})
