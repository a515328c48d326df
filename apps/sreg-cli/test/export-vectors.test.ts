/** The recorded export of `@secreg/backup` (its `test/vectors`), which other implementations are held to as well. */
import { readFileSync } from 'node:fs'
import { loadJson } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { decryptExport, exportFormatOf, formatExport, readExport } from '../src/export-format.ts'

const urlOf = (name: string) =>
  new URL(`../../../packages/backup/test/vectors/${name}`, import.meta.url)
const { passphrase } = loadJson<{ passphrase: string }>(urlOf('credentials.json'))

test('the export in the clear is read, and written again byte by byte', () => {
  const text = readFileSync(urlOf('export.secreg'), 'utf8')
  const document = JSON.parse(text) as { created: string }
  expect(exportFormatOf(document)).toBe('plain')
  const entries = readExport(document)
  expect(entries).toHaveLength(12)
  expect(formatExport(entries, Date.parse(document.created))).toBe(text)
})

test('the encrypted export opens to the same', async () => {
  const document = loadJson(urlOf('export-encrypted.secreg'))
  expect(exportFormatOf(document)).toBe('encrypted')
  expect(readExport(await decryptExport(document, passphrase))).toEqual(
    readExport(loadJson(urlOf('export.secreg'))),
  )
  await expect(decryptExport(document, `${passphrase}x`)).rejects.toMatchObject({
    reason: 'PASSPHRASE_WRONG',
  })
})
