import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const source = `
  export { nobleBackend, createSeal, deriveSubkey } from '@secreg/crypto'
  export { openBackup, verifyBackup, writeBackup } from '@secreg/backup'
`

test('a backup is written and verified where there is no Node.js', async () => {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'secreg',
    target: 'es2022',
    conditions: ['@secreg/source'],
  })
  const code = outputFiles[0]?.text ?? ''
  expect(code).not.toContain('node:')
  // What a browser has, and nothing else: no process, no Buffer, no require.
  const { crypto, TextEncoder, TextDecoder, setTimeout, performance } = globalThis
  const context = createContext({
    crypto,
    TextEncoder,
    TextDecoder,
    setTimeout,
    performance,
    result: undefined,
  })
  await runInContext(
    `${code}
     ;(async () => {
       const bytes = new Uint8Array(32)
       const { header, rootKey } = await secreg.createSeal([{ kind: 'key-file', bytes }])
       const value = new Uint8Array(200_000)
       const file = secreg.writeBackup({
         seal: header,
         backupKey: secreg.deriveSubkey(rootKey, 'backup'),
         generation: '0'.repeat(32),
         revision: 1,
         createdAtMs: 1,
         meta: {},
         rows: [{ key: 'a', value, createRevision: 1, modifyRevision: 1 }],
       })
       const opened = await secreg.openBackup(file, { kind: 'key-file', bytes })
       const { rows, bytes: size } = await secreg.verifyBackup(opened)
       result = rows + ' ' + size
     })()`,
    context,
  )
  expect(context['result']).toBe('1 200001')
})
