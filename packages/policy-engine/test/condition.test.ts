import { type Context, compile, type PolicyConditions } from '@secreg/policy-engine'
import { describe, expect, test } from 'vitest'

type Outcome = 'holds' | 'fails' | 'unknown'

/** What one condition says, seen through an allow and a deny: unknown is what fails the one and fires the other. */
function outcomeOf(conditions: PolicyConditions, context?: Context, time?: number): Outcome {
  const rule = { principals: ['*'], actions: ['read'], resources: ['/a'], when: conditions }
  const read = (effect: 'allow' | 'deny'): boolean => {
    const policy = compile([{ id: 'p', rules: [{ ...rule, id: 'r', effect }] }], {
      systemZone: 'Etc/UTC',
    })
    const request = { subject: ['user:a'], action: 'read', resource: '/a' } as const
    return policy.decide({ ...request, time, context }).rules.length > 0
  }
  const allows = read('allow')
  const denies = read('deny')
  if (allows && !denies) throw new Error('an allow that holds is a deny that fires')
  return allows ? 'holds' : denies ? 'unknown' : 'fails'
}

const utc = (text: string): number => Date.parse(`${text}Z`)

describe('members of the context', () => {
  test.each<[PolicyConditions, Context | undefined, Outcome]>([
    [{ mfa: true }, { mfa: true }, 'holds'],
    [{ mfa: true }, { mfa: false }, 'fails'],
    [{ mfa: false }, { mfa: false }, 'holds'],
    [{ mfa: true }, {}, 'unknown'],
    [{ mfa: true }, undefined, 'unknown'],
    [{ mfa: true }, { mfa: undefined }, 'unknown'],
    [{ mfa: true }, { mfa: 'true' as never }, 'unknown'],
    [{ door: ['http', 'registry'] }, { door: 'registry' }, 'holds'],
    [{ door: ['http'] }, { door: 'HTTP' }, 'fails'],
    [{ door: ['http'] }, {}, 'unknown'],
    [{ door: ['http'] }, { door: ['http'] as never }, 'unknown'],
    [{ proof: ['credential', 'kernel'] }, { proof: 'kernel' }, 'holds'],
    [{ proof: ['credential', 'kernel'] }, { proof: 'asserted' }, 'fails'],
    [{ proof: ['kernel'] }, {}, 'unknown'],
    [{ purpose: ['execute'] }, { purpose: 'execute' }, 'holds'],
    [{ purpose: ['execute'] }, { purpose: '' }, 'fails'],
    [{ purpose: ['execute'] }, {}, 'unknown'],
    [{ metadata: { owner: 'alice' } }, { metadata: { owner: 'alice', env: 'x' } }, 'holds'],
    [{ metadata: { owner: 'alice' } }, { metadata: { owner: 'bob' } }, 'fails'],
    [{ metadata: { owner: 'alice' } }, { metadata: {} }, 'fails'],
    [{ metadata: { owner: 'alice' } }, {}, 'unknown'],
    [{ metadata: { owner: 'alice', env: 'x' } }, { metadata: { owner: 'alice' } }, 'fails'],
    [{ metadata: { toString: 'x' } }, { metadata: {} }, 'fails'],
    [{ metadata: { owner: 'alice' } }, { metadata: null as never }, 'unknown'],
    [{ metadata: { n: '1' } }, { metadata: { n: 1 as never } }, 'fails'],
  ])('%j in %j %s', (conditions, context, outcome) => {
    expect(outcomeOf(conditions, context)).toBe(outcome)
  })
})

describe('Kleene AND', () => {
  const YES = { mfa: true } as const
  test.each<[Context, Outcome]>([
    [{ ...YES, door: 'http' }, 'holds'],
    [{ ...YES }, 'unknown'],
    [{ door: 'x' }, 'fails'],
    [{ mfa: false }, 'fails'],
    [{ mfa: false, door: 'http' }, 'fails'],
    [{}, 'unknown'],
  ])('two conditions in %j: %s', (context, outcome) => {
    expect(outcomeOf({ mfa: true, door: ['http'] }, context)).toBe(outcome)
  })

  test.each<[Context, 'allow' | 'deny', boolean]>([
    [{ door: 'http' }, 'allow', false],
    [{ door: 'http' }, 'deny', false],
    [{ door: 'x' }, 'allow', true],
    [{ door: 'x' }, 'deny', true],
    [{}, 'allow', true],
    [{}, 'deny', true],
    [{ mfa: true, door: 'http' }, 'allow', false],
  ])('`unless` in %j on %s applies: %s', (context, effect, applies) => {
    const rule = {
      id: 'r',
      effect,
      principals: ['*'],
      actions: ['read'],
      resources: ['/a'],
      unless: { door: ['http'] },
    }
    const policy = compile([{ id: 'p', rules: [rule] }])
    const decision = policy.decide({ subject: ['u:a'], action: 'read', resource: '/a', context })
    expect(decision.rules).toEqual(applies ? ['p/r'] : [])
  })

  test('`unless` takes its rule out only if all of it holds', () => {
    const rule = {
      id: 'r',
      effect: 'deny',
      principals: ['*'],
      actions: ['read'],
      resources: ['/a'],
      when: { purpose: ['execute'] },
      unless: { mfa: true, door: ['http'] },
    }
    const policy = compile([{ id: 'p', rules: [rule] }])
    const fires = (context: Context): boolean =>
      policy.decide({ subject: ['u:a'], action: 'read', resource: '/a', context }).rules.length > 0
    expect(fires({ mfa: true, door: 'http' })).toBe(false)
    expect(fires({ mfa: true })).toBe(true)
    expect(fires({ mfa: true, door: 'x' })).toBe(true)
    expect(fires({ purpose: 'other' })).toBe(false)
  })
})

describe('ip', () => {
  test.each<[string[], string | undefined, Outcome]>([
    [['10.0.0.0/8'], '10.255.0.1', 'holds'],
    [['10.0.0.0/8'], '11.0.0.0', 'fails'],
    [['10.0.0.0/8', '192.168.1.7'], '192.168.1.7', 'holds'],
    [['192.168.1.7'], '192.168.1.8', 'fails'],
    [['0.0.0.0/0'], '255.255.255.255', 'holds'],
    [['0.0.0.0/0'], '::1', 'fails'],
    [['::/0'], '1.2.3.4', 'fails'],
    [['::/0'], 'fe80::1', 'holds'],
    [['128.0.0.0/1'], '128.0.0.1', 'holds'],
    [['128.0.0.0/1'], '127.255.255.255', 'fails'],
    [['255.255.255.254/31'], '255.255.255.255', 'holds'],
    [['10.0.0.0/8'], '::ffff:10.1.2.3', 'holds'],
    [['10.0.0.0/8'], '::ffff:0a01:0203', 'holds'],
    [['10.0.0.0/8'], '::10.1.2.3', 'fails'],
    [['::ffff:10.0.0.0/104'], '10.1.2.3', 'holds'],
    [['::ffff:0:0/96'], '1.2.3.4', 'holds'],
    [['2001:db8::/32'], '2001:DB8:0:0:0:0:0:1', 'holds'],
    [['2001:db8::/32'], '2001:db9::1', 'fails'],
    [['2001:db8:0:8000::/49'], '2001:db8:0:8000::1', 'holds'],
    [['2001:db8:0:8000::/49'], '2001:db8:0:7fff::1', 'fails'],
    [['::1'], '0:0:0:0:0:0:0:1', 'holds'],
    [['64:ff9b::1.2.3.4'], '64:ff9b::102:304', 'holds'],
    [['1:2:3:4:5:6:7::'], '1:2:3:4:5:6:7:0', 'holds'],
    [['10.0.0.0/8'], undefined, 'unknown'],
    [['10.0.0.0/8'], '', 'unknown'],
    [['10.0.0.0/8'], '10.1', 'unknown'],
    [['10.0.0.0/8'], '10.01.2.3', 'unknown'],
    [['10.0.0.0/8'], '0xa.1.2.3', 'unknown'],
    [['10.0.0.0/8'], '167838211', 'unknown'],
    [['10.0.0.0/8'], '10.1.2.256', 'unknown'],
    [['10.0.0.0/8'], '10.1.2.3 ', 'unknown'],
    [['10.0.0.0/8'], '10.1.2.3\n', 'unknown'],
    [['10.0.0.0/8'], '10.1.2.3.4', 'unknown'],
    [['10.0.0.0/8'], '10.1.2.3/8', 'unknown'],
    [['10.0.0.0/8'], '10.1.2.٣', 'unknown'],
    [['fe80::/10'], 'fe80::1%eth0', 'unknown'],
    [['::/0'], ':::', 'unknown'],
    [['::/0'], '1::2::3', 'unknown'],
    [['::/0'], '1:2:3:4:5:6:7', 'unknown'],
    [['::/0'], '1:2:3:4:5:6:7:8:9', 'unknown'],
    [['::/0'], '1:2:3:4:5:6:7:8::', 'unknown'],
    [['::/0'], '12345::', 'unknown'],
    [['::/0'], ':1::', 'unknown'],
    [['::/0'], '1.2.3.4::', 'unknown'],
    [['::/0'], '::1.2.3.4:5', 'unknown'],
    [['::/0'], '[::1]', 'unknown'],
    [['::/0'], '::g', 'unknown'],
    [['::/0'], '1'.repeat(100_000), 'unknown'],
    [['::/0'], ':'.repeat(100_000), 'unknown'],
  ])('%j with %.40s %s', (ip, actual, outcome) => {
    expect(outcomeOf({ ip }, { ip: actual })).toBe(outcome)
  })

  test('is unknown for what is not text', () => {
    expect(outcomeOf({ ip: ['10.0.0.0/8'] }, { ip: 10 as never })).toBe('unknown')
  })
})

describe('time', () => {
  const DAY = { from: '09:00', to: '17:00' }
  const NIGHT = { from: '22:00', to: '06:00' }
  test.each<[PolicyConditions['time'], string, Outcome]>([
    [DAY, '2026-06-01T08:59:59.999', 'fails'],
    [DAY, '2026-06-01T09:00:00', 'holds'],
    [DAY, '2026-06-01T16:59:59.999', 'holds'],
    [DAY, '2026-06-01T17:00:00', 'fails'],
    [NIGHT, '2026-06-01T21:59:59.999', 'fails'],
    [NIGHT, '2026-06-01T22:00:00', 'holds'],
    [NIGHT, '2026-06-02T00:00:00', 'holds'],
    [NIGHT, '2026-06-02T05:59:59.999', 'holds'],
    [NIGHT, '2026-06-02T06:00:00', 'fails'],
    [{ from: '18:00', to: '00:00' }, '2026-06-01T23:59:59.999', 'holds'],
    [{ from: '18:00', to: '00:00' }, '2026-06-02T00:00:00', 'fails'],
    [{ from: '00:00', to: '23:59' }, '2026-06-01T23:59:00', 'fails'],
    [{ from: '12:00', to: '12:00' }, '2026-06-01T12:00:00', 'fails'],
    [{ from: '00:00', to: '00:00' }, '2026-06-01T00:00:00', 'fails'],
    [DAY, '1969-12-31T09:00:00', 'holds'],
    [DAY, '1969-12-31T08:59:59.999', 'fails'],
  ])('%j at %s %s', (time, now, outcome) => {
    expect(outcomeOf({ time: time as never }, {}, utc(now))).toBe(outcome)
  })

  test.each<[string, string, string, string, Outcome]>([
    // Prague is one hour east, two in summer: 2026-03-29 01:00Z and 2026-10-25 01:00Z are the changes.
    ['Europe/Prague', '09:00', '17:00', '2026-01-15T08:00', 'holds'],
    ['Europe/Prague', '09:00', '17:00', '2026-01-15T07:59', 'fails'],
    ['Europe/Prague', '09:00', '17:00', '2026-07-15T07:00', 'holds'],
    ['Europe/Prague', '09:00', '17:00', '2026-07-15T15:00', 'fails'],
    ['Europe/Prague', '01:59', '02:00', '2026-03-29T00:59', 'holds'],
    // 02:30 does not exist on this day: the clock goes from 02:00 to 03:00.
    ['Europe/Prague', '02:00', '03:00', '2026-03-29T01:00', 'fails'],
    ['Europe/Prague', '03:00', '03:01', '2026-03-29T01:00', 'holds'],
    // 02:30 comes twice on this day.
    ['Europe/Prague', '02:30', '02:31', '2026-10-25T00:30', 'holds'],
    ['Europe/Prague', '02:30', '02:31', '2026-10-25T01:30', 'holds'],
    ['Europe/Prague', '03:00', '04:00', '2026-10-25T01:59', 'fails'],
    ['Europe/Prague', '03:00', '04:00', '2026-10-25T02:00', 'holds'],
    ['Asia/Kathmandu', '05:45', '05:46', '2026-01-01T00:00', 'holds'],
    ['Australia/Lord_Howe', '11:00', '11:01', '2026-01-01T00:00', 'holds'],
    ['Australia/Lord_Howe', '10:30', '10:31', '2026-07-01T00:00', 'holds'],
    ['America/St_Johns', '20:30', '20:31', '2026-01-01T00:00', 'holds'],
    ['Pacific/Kiritimati', '14:00', '14:01', '2026-01-01T00:00', 'holds'],
    ['Pacific/Pago_Pago', '13:00', '13:01', '2026-01-01T00:00', 'holds'],
    // Liberia was 44 min 30 s west until 1972-01-07T00:44:30Z, in the middle of a quarter of an hour.
    ['Africa/Monrovia', '23:59', '00:00', '1972-01-07T00:44:29', 'holds'],
    ['Africa/Monrovia', '00:44', '00:45', '1972-01-07T00:44:30', 'holds'],
  ])('in %s from %s to %s at %sZ %s', (zone, from, to, now, outcome) => {
    expect(outcomeOf({ time: { from, to, zone } }, {}, utc(now))).toBe(outcome)
  })

  test.each([undefined, Number.NaN, Number.POSITIVE_INFINITY, -9e15, 8.64e15])(
    'is unknown at %s',
    (now) => {
      expect(outcomeOf({ time: DAY }, {}, now)).toBe('unknown')
    },
  )

  test('takes the zone of the system where it names none', () => {
    const rule = {
      id: 'r',
      effect: 'allow',
      principals: ['*'],
      actions: ['read'],
      resources: ['/a'],
      when: { time: DAY },
    }
    const at = (systemZone?: string): number[] => {
      const policy = compile(
        [{ id: 'p', rules: [rule] }],
        systemZone === undefined ? {} : { systemZone },
      )
      return Array.from({ length: 24 }, (_, hour) => hour).filter((hour) => {
        const time = Date.UTC(2026, 0, 15, hour)
        const request = { subject: ['u:a'], action: 'read', resource: '/a', time } as const
        return policy.decide(request).decision === 'allow'
      })
    }
    expect(at('Asia/Tokyo')).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(at()).toEqual(at(new Intl.DateTimeFormat().resolvedOptions().timeZone))
  })
})
