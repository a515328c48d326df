import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const entry = fileURLToPath(new URL('../src/index.ts', import.meta.url))

test('the neutral entry point runs where there is no Node.js', async () => {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'secreg',
    target: 'es2022',
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
       const bytes = (text) => Uint8Array.from(text, (char) => char.charCodeAt(0))
       const { header, rootKey, shareSets } = await secreg.createSeal([
         { kind: 'key-file', bytes: secreg.nobleBackend.randomBytes(32) },
         { kind: 'shamir', threshold: 2, count: 3 },
       ])
       const shares = shareSets[0].shares.slice(1)
       const { rootKey: root } = await secreg.openSeal(header, { kind: 'shamir', shares })
       const ring = secreg.openKeyRing(root, header.epochs)
       const binding = { entryId: new Uint8Array(16), version: 1, type: 'string' }
       const opened = ring.openValue(binding, ring.sealValue(binding, bytes('secret123')))
       let streamed = 0
       const sealed = secreg.sealStream(root, new Uint8Array(), [new Uint8Array(300_000)])
       for await (const chunk of secreg.openStream(root, new Uint8Array(), sealed)) {
         streamed += chunk.length
       }
       result = String.fromCharCode(...opened) + (root.join() === rootKey.join()) + streamed
     })()`,
    context,
  )
  expect(context['result']).toBe('secret123true300000')
})
