/** An administrator at a desk, and bob, whom he has let in. */
import { Desk } from './desk.ts'

/** Bob's password. */
export const HIS = 'Very-Strong-Phrase-9'

/** A desk with a second person, logged in, whose commands begin with `as-bob`: his session is a file of his own. */
export async function openDeskOfTwo(): Promise<Desk> {
  const desk = new Desk()
  try {
    desk.file('his', `${HIS}\n`)
    desk.file('bob/.keep', '')
    desk.file('bin/as-bob', '#!/bin/sh\nSECREG_SESSION="$HOME_OF_BOB/session" exec sreg "$@"\n')
    desk.env['HOME_OF_BOB'] = desk.path('bob')
    await desk.ok('chmod 755 bin/as-bob')
    await desk.open()
    await desk.ok('sreg user add bob --password-stdin < his')
    await desk.ok('as-bob login bob --password-stdin < his')
    return desk
  } catch (error) {
    await desk[Symbol.asyncDispose]()
    throw error
  }
}
