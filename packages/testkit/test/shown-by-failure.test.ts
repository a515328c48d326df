import { shownByFailure } from '@secreg/testkit'
import { expect, test } from 'vitest'

test('all that is printed, and the error with its causes, is seen', async () => {
  const { write } = process.stdout
  const { log } = console
  const shown = await shownByFailure(async () => {
    process.stdout.write('to stdout')
    process.stderr.write(new TextEncoder().encode('to stderr'))
    console.log({ logged: 'deeply' })
    const hidden = Object.defineProperty({}, 'hidden', { value: 'of the cause' })
    const cause = Object.assign(new Error('inner'), { request: { hidden } })
    throw new AggregateError([new Error('one of many')], 'outer', { cause })
  })
  for (const text of ['to stdout', 'to stderr', 'deeply', 'outer', 'inner', 'of the cause']) {
    expect(shown).toContain(text)
  }
  expect(shown).toContain('one of many')
  expect([process.stdout.write, console.log]).toEqual([write, log])
})

test('what does not fail shows nothing', async () => {
  expect(await shownByFailure(() => 'done')).toBeUndefined()
})
