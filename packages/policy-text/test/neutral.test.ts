import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

test('policies are read and written where there is no Node.js', async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `export { formatPolicyToml, parsePolicyText } from '@secreg/policy-text'`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'secreg',
    target: 'es2022',
    conditions: ['@secreg/source'],
  })
  const code = outputFiles[0]?.text ?? ''
  expect(code).not.toMatch(/["']node:/)
  // Nothing of a platform is there: no process, no Buffer, no require.
  const context = createContext({ result: undefined })
  runInContext(
    `${code}
     const text = secreg.formatPolicyToml({ id: 'a', rules: [{ id: 'b' }] })
     const { document, locate } = secreg.parsePolicyText(text, { format: 'toml' })
     const hcl = secreg.parsePolicyText('path "a" {}', { format: 'hcl' }).document
     const json = secreg.parsePolicyText(JSON.stringify([document, hcl]), { format: 'json' })
     result = JSON.stringify([json.document, locate('/rules/0/id')])`,
    context,
  )
  expect(JSON.parse(context['result'])).toEqual([
    [{ id: 'a', rules: [{ id: 'b' }] }, { path: { a: {} } }],
    { line: 4, column: 1 },
  ])
})
