import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTempHome, runNode } from '@secreg/testkit'
import { transformSync } from 'esbuild'
import { expect, test } from 'vitest'
import { layOut, needNative, PACKAGE } from './support.ts'

const readme = readFileSync(join(PACKAGE, 'README.md'), 'utf8')

test('the example answers', async (context) => {
  needNative(context)
  await using home = createTempHome()
  const example = /^```ts\n([\s\S]*?)^```/m.exec(readme)?.[1] ?? ''
  const { code } = transformSync(example, { loader: 'ts', format: 'esm' })
  const module = code.replace('"@secreg/unix-socket"', JSON.stringify(layOut(home)))
  const script = home.write('example.mjs', `${module}\nconsole.log(answer)\n`)
  expect(await runNode(script)).toMatchObject({
    code: 0,
    stderr: '',
    stdout: `hello from uid ${process.getuid?.()}\n`,
  })
})

test('every code of an error is named', () => {
  const source = readFileSync(join(PACKAGE, 'src/errors.ts'), 'utf8')
  const codes = [...source.matchAll(/\| '(ERR_\w+)'/g)].map(([, code]) => code)
  expect(codes.length).toBeGreaterThan(5)
  for (const code of codes) expect(readme).toContain(`${code}`)
})
