import { readFileSync } from 'node:fs'
import { decodePayload } from '@secreg/wire-codec'
import { expect, it } from 'vitest'
import { feed } from './feeding.ts'
import { answer, requests } from './readme-example.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

it('the README shows the example, which does what it says', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('readme-example.ts')}\`\`\``)
  expect(requests).toEqual([
    { type: 3, message: { key: '/system/kernel/hostname', decrypt: true } },
  ])
  const [frame] = feed([answer])
  expect(decodePayload(frame?.payload ?? new Uint8Array())).toMatchObject({ value: 'myhost' })
})
