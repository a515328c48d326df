import { ACTIONS as DECIDED } from '@secreg/policy-engine'
import { ACTIONS } from '@secreg/protocol'
import { expect, test } from 'vitest'

test('the policy engine, which depends on nothing, decides on the same actions as the protocol names', () => {
  expect([...DECIDED].sort()).toEqual([...ACTIONS].sort())
})
