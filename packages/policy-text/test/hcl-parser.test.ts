import { readFileSync, writeFileSync } from 'node:fs'
import { buildParserFile } from '@lezer/generator'
import { expect, test } from 'vitest'

const url = (name: string) => new URL(`../src/hcl/${name}`, import.meta.url)

/** The generator's text with what our compiler and linter need. */
function made(): Record<string, string> {
  const { parser, terms } = buildParserFile(readFileSync(url('hcl.grammar'), 'utf8'), {
    typeScript: true,
    warn: (message) => expect.unreachable(message),
  })
  const head = ['lint', 'format', 'assist']
    .map(
      (rule) => `// biome-ignore-all ${rule}: generated
`,
    )
    .join('')
  const terms_ = terms.replaceAll(/^ {2}(\w+) = (\d+),?$/gm, 'export const $1 = $2')
  return {
    'hcl-parser.ts':
      head + parser.replace('export const parser =', 'export const parser: LRParser ='),
    'hcl-parser.terms.ts': head + terms_.replace('export const\n', ''),
  }
}

/** `SECREG_WRITE_VECTORS=1` writes the parser anew. */
test('the parser is the one of the grammar', () => {
  for (const [name, text] of Object.entries(made())) {
    if (process.env['SECREG_WRITE_VECTORS'] === '1') writeFileSync(url(name), text)
    expect(readFileSync(url(name), 'utf8'), name).toBe(text)
  }
})
