/** The egress child as a program, built from source: what `secregd egress` runs. */
import { symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createTempHome, type TempHome } from '@secreg/testkit'
import { build } from 'esbuild'
import type { Egress } from '../src/egress/egress-process.ts'

const SOURCE = fileURLToPath(new URL('../src/egress/egress-child.ts', import.meta.url))
const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

/** As the last lines of `secregd egress` do it. */
const ENTRY = `
import { guardSignals } from '@secreg/host'
guardSignals()
const { runEgressChild } = await import(${JSON.stringify(SOURCE)})
runEgressChild()
`

export type Command = readonly [string, ...string[]]

/** A program and its files, removed when it is disposed of. */
export interface EgressProgram extends Disposable {
  readonly home: TempHome
  readonly command: Command
}

/** Build it; `kafkajs: false`: where that package is not installed. */
export async function buildEgress({ kafkajs = true } = {}): Promise<EgressProgram> {
  const home = createTempHome()
  const file = home.file('egress.mjs')
  await build({
    stdin: { contents: ENTRY, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@secreg/source', 'module', 'import', 'node'],
    external: ['kafkajs'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'silent',
  })
  if (kafkajs) symlinkSync(MODULES, home.file('node_modules'))
  return {
    home,
    command: [process.execPath, file, 'egress'],
    [Symbol.dispose]: () => home.remove(),
  }
}

/** The child's process, which has to be there: a signal to what stands for none would go to every process. */
export function pidOf({ pid }: Egress): number {
  if (pid === undefined) throw new Error('the child does not run')
  return pid
}

/** A program of a few lines in its place: `answer(message)` sends, `onMessage(f)` takes. */
export function writeChild(home: TempHome, name: string, lines: string): Command {
  const file = home.write(
    `${name}.mjs`,
    `
const answer = (message) => {
  const body = Buffer.from(JSON.stringify(message))
  const head = Buffer.alloc(4)
  head.writeUInt32BE(body.length)
  process.stdout.write(Buffer.concat([head, body]))
}
let buffer = Buffer.alloc(0)
const onMessage = (take) => process.stdin.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk])
  while (buffer.length >= 4 && buffer.length >= 4 + buffer.readUInt32BE()) {
    const end = 4 + buffer.readUInt32BE()
    const message = JSON.parse(buffer.subarray(4, end).toString())
    buffer = buffer.subarray(end)
    take(message)
  }
})
process.stdin.on('end', () => process.exit(0))
${lines}
`,
  )
  return [process.execPath, file]
}
