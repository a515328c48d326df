import { describe, expect, it } from 'vitest'
import { outcome, place, refused } from './support.ts'

const read = (text: string) => outcome('hcl', text)
const path = (pattern: string, ...capabilities: string[]) => ({ [pattern]: { capabilities } })

describe('HCL', () => {
  it.each<[string, string, unknown]>([
    ['nothing', '', {}],
    ['comments alone', '# a\n// b\n/* c\n * d **/', {}],
    [
      'a policy',
      'path "secret/*" { capabilities = ["read", "list"] }',
      { path: path('secret/*', 'read', 'list') },
    ],
    [
      'a name, and commas where they may be',
      'name = "ci", path "a" { capabilities = ["read",], }, path "b" { capabilities = [] }',
      { name: 'ci', path: { ...path('a', 'read'), ...path('b') } },
    ],
    [
      'what else Vault knows',
      `path "a" {
        policy = "write" # old
        allowed_parameters = { "x" = ["1", 2], "*" = [] }
        required_parameters = ["x"]
        denied_parameters { y = [true, -1.5] }
        min_wrapping_ttl = "1s"
        pagination_limit = 100
      }`,
      {
        path: {
          a: {
            policy: 'write',
            allowed_parameters: { x: ['1', 2], '*': [] },
            required_parameters: ['x'],
            denied_parameters: { y: [true, -1.5] },
            min_wrapping_ttl: '1s',
            pagination_limit: 100,
          },
        },
      },
    ],
    [
      'a quoted key and a template',
      '"path" "secret/{{identity.entity.id}}/*" { "capabilities" = ["read"] }',
      { path: path('secret/{{identity.entity.id}}/*', 'read') },
    ],
    [
      'comments within',
      'path /* x */ "a" { # {\n capabilities = [ // ]\n "read" /* , */ ] }',
      { path: path('a', 'read') },
    ],
    [
      'lines that end with CR LF',
      'path "a" {\r\n capabilities = ["read"]\r\n}\r\n',
      {
        path: path('a', 'read'),
      },
    ],
    [
      'escapes',
      String.raw`comment = "\"\\\n\t\u00e9\U0001F600\x41\101 # {"`,
      { comment: '"\\\n\té😀AA # {' },
    ],
    [
      'a here-document',
      'comment = <<EOT\n  a\n}\n\nEOT\nname = "x"',
      { comment: '  a\n}\n\n', name: 'x' },
    ],
    ['an indented one', 'comment = <<-EOT\n    a\n      b\n    EOT\n', { comment: 'a\n  b\n' }],
    ['an empty one', 'comment = <<E\nE', { comment: '' }],
    ['one that is less indented', 'comment = <<-E\n a\n  E', { comment: ' a\n' }],
    ['one with CR LF', 'comment = <<E\r\na\r\nE\r\nname = "x"', { comment: 'a\n', name: 'x' }],
    [
      'a pattern given twice: their capabilities together, as in Vault',
      'path "a" { capabilities = ["read"] }\npath "a" { capabilities = ["deny"] }',
      { path: path('a', 'read', 'deny') },
    ],
    [
      'names of every object',
      'path "constructor" { capabilities = ["read"] }',
      {
        path: path('constructor', 'read'),
      },
    ],
  ])('reads %s', (_name, text, expected) => {
    expect(read(text)).toEqual(expected)
  })

  it.each<[string, string, string]>([
    ['a text that ends early', 'path "a" {\n', refused('ERR_POLICY_TEXT_SYNTAX', 2, 1)],
    [
      'a missing comma',
      'path "a" {\n  capabilities = ["read" "list"]\n}',
      refused('ERR_POLICY_TEXT_SYNTAX', 2, 26),
    ],
    ['a missing value', 'path "a" { capabilities = }', refused('ERR_POLICY_TEXT_SYNTAX', 1, 27)],
    ['a brace too many', 'path "a" {}\n}', refused('ERR_POLICY_TEXT_SYNTAX', 2, 1)],
    ['a colon', 'path "a" { capabilities: ["read"] }', refused('ERR_POLICY_TEXT_SYNTAX', 1, 24)],
    ['a string over lines', 'path "a\nb" {}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 6)],
    ['a comment without an end', 'path "a" {} /* x', refused('ERR_POLICY_TEXT_SYNTAX', 1, 13)],
    ['a here-document without an end', 'a = <<EOT\nx\n', refused('ERR_POLICY_TEXT_SYNTAX', 1, 5)],
    ['a function', 'a = file("x")', refused('ERR_POLICY_TEXT_SYNTAX', 1, 5)],
    ['null', 'a = null', refused('ERR_POLICY_TEXT_SYNTAX', 1, 5)],
    ['an octal number', 'a = 010', refused('ERR_POLICY_TEXT_SYNTAX', 1, 5)],
    ['an interpolation', 'path "a/$\x7bb}" {}', refused('ERR_POLICY_TEXT_SYNTAX', 1, 9)],
    ['an unknown escape', 'a = "\\q"', refused('ERR_POLICY_TEXT_SYNTAX', 1, 6)],
    ['a character that there is not', 'a = "\\U00110000"', refused('ERR_POLICY_TEXT_SYNTAX', 1, 6)],
    ['a byte of a character', 'a = "\\xc3\\xa9"', refused('ERR_POLICY_TEXT_SYNTAX', 1, 6)],
    ['half a character', 'a = "\\ud800"', refused('ERR_POLICY_TEXT_VALUE', 1, 5)],
    [
      'a path without a pattern',
      'path { capabilities = ["read"] }',
      refused('ERR_POLICY_TEXT_SYNTAX', 1, 1),
    ],
    ['a path that is assigned', 'path = { "a" = {} }', refused('ERR_POLICY_TEXT_SYNTAX', 1, 1)],
    [
      'a member given twice',
      'path "a" {\n policy = "read"\n policy = "deny"\n}',
      refused('ERR_POLICY_TEXT_DUPLICATE', 3, 2),
    ],
    [
      'a pattern given twice with more beside capabilities, which must not get lost',
      'path "a" { capabilities = ["read"] }\npath "a" { capabilities = ["list"], policy = "deny" }',
      refused('ERR_POLICY_TEXT_DUPLICATE', 2, 6),
    ],
    [
      'a pattern given twice with more in the first',
      'path "a" { capabilities = ["read"], policy = "deny" }\npath "a" { capabilities = [] }',
      refused('ERR_POLICY_TEXT_DUPLICATE', 2, 6),
    ],
    [
      'a pattern given twice with more than capabilities',
      'path "a" { capabilities = ["read"] }\npath "a" { policy = "deny" }',
      refused('ERR_POLICY_TEXT_DUPLICATE', 2, 6),
    ],
    [
      '__proto__ as a pattern',
      'path "__proto__" { capabilities = ["read"] }',
      refused('ERR_POLICY_TEXT_NAME', 1, 6),
    ],
    ['__proto__ as a member', '__proto__ = {}', refused('ERR_POLICY_TEXT_NAME', 1, 1)],
    [
      '33 levels',
      `a = ${'['.repeat(32)}${']'.repeat(32)}`,
      refused('ERR_POLICY_TEXT_LIMIT', 1, 36),
    ],
    ['33 labels', `${'a '.repeat(33)} {}`, refused('ERR_POLICY_TEXT_LIMIT', 1, 63)],
    ['a million brackets', `a = ${'['.repeat(1_000_000)}`, refused('ERR_POLICY_TEXT_LIMIT', 1, 36)],
  ])('refuses %s', (_name, text, expected) => {
    expect(read(text)).toBe(expected)
  })

  it.each([
    ['', '1:1'],
    ['/name', '2:1'],
    ['/path', '3:1'],
    ['/path/secret~1*', '3:6'],
    ['/path/secret~1*/capabilities', '4:3'],
    ['/path/secret~1*/capabilities/1', '4:27'],
    ['/path/secret~1*/capabilities/2', '6:36'],
    ['/path/other/policy', '7:14'],
    ['/path/nothing', '3:1'],
  ])('locates %s', (pointer, expected) => {
    const text = `# ci
name = "ci"
path "secret/*" {
  capabilities = ["read", "lst"]
}
path "secret/*" { capabilities = [ "deny" ] }
path other { policy = "read" }`
    expect(place('hcl', text, pointer)).toBe(expected)
  })
})
