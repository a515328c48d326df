import { compile } from '@secreg/policy-engine'
import { expect, test } from 'vitest'

const WEB = {
  id: 'web',
  rules: [
    {
      id: 'web-read',
      effect: 'allow',
      principals: ['role:operator', 'user:alice'],
      actions: ['read', 'list'],
      resources: ['/app/web/**', '/app/*/public', '/app/db-*'],
      obligations: { ttlSeconds: 300 },
    },
    {
      id: 'no-keys',
      effect: 'deny',
      principals: ['*'],
      actions: ['read'],
      resources: ['/app/web/keys/**'],
    },
  ],
}

test.each([
  ['/app/web/a', 'allow', ['web/web-read']],
  ['/app/web/a/b', 'allow', ['web/web-read']],
  ['/app/web', 'deny', []],
  ['/app/x/public', 'allow', ['web/web-read']],
  ['/app/x/y/public', 'deny', []],
  ['/app/db-', 'allow', ['web/web-read']],
  ['/app/db-1', 'allow', ['web/web-read']],
  ['/app/db-1/x', 'deny', []],
  ['/app/web/keys', 'allow', ['web/web-read']],
  ['/app/web/keys/tls', 'deny', ['web/no-keys']],
  ['app/web/a', 'deny', []],
  ['', 'deny', []],
  ['/app/web/../web/a', 'deny', []],
  ['/app/web//a', 'deny', []],
  ['/app/web/a/', 'deny', []],
])('read of %s is %s by %j', (resource, decision, rules) => {
  const policy = compile([WEB])
  const subject = policy.subject(['user:alice'])
  expect(policy.decide({ subject, action: 'read', resource })).toMatchObject({ decision, rules })
})
