/** Which events are asked for (specs: secrets-api §2.5, E18): all that is said must hold, and a word must be one. */
import { type AuditEnvelope, SECRET_EVENTS } from '../enforcement/audit-event.ts'
import { PURPOSES } from '../enforcement/purpose.ts'
import { SecretsApiError } from '../errors.ts'
import { SECRET_SCHEMES } from '../uri/secret-uri.ts'

type EventFilter =
  | 'event_type'
  | 'effect'
  | 'purpose'
  | 'subject'
  | 'provider'
  | 'resource_ref'
  | 'correlation_id'
  | 'since'
  | 'until'
type Matches = (envelope: AuditEnvelope) => boolean

const PROVIDERS = Object.values(SECRET_SCHEMES).map(({ provider }): string => provider)

/** What each of them compares, of a text that has been accepted. */
const RULES: Readonly<Record<EventFilter, (text: string) => Matches>> = {
  event_type: (text) => {
    oneOf(text, SECRET_EVENTS)
    return ({ event_type }) => event_type === text
  },
  effect: (text) => {
    oneOf(text, ['success', 'failure'])
    return ({ data }) => data.effect === text
  },
  purpose: (text) => {
    oneOf(text, PURPOSES)
    return ({ data }) => data.purpose === text
  },
  provider: (text) => {
    oneOf(text, PROVIDERS)
    return ({ data }) => data.provider === text
  },
  subject:
    (text) =>
    ({ data }) =>
      data.subject.sub === text,
  resource_ref:
    (text) =>
    ({ data }) =>
      data.resource_ref === text,
  correlation_id: (text) => (envelope) => envelope.correlation_id === text,
  since: (text) => {
    const fromMs = timeOf(text)
    return ({ timestamp }) => Date.parse(timestamp) >= fromMs
  },
  until: (text) => {
    const toMs = timeOf(text)
    return ({ timestamp }) => Date.parse(timestamp) <= toMs
  },
}

/** Names of the parameters. */
export const EVENT_FILTERS: readonly EventFilter[] = Object.freeze(
  Object.keys(RULES) as EventFilter[],
)

/**
 * Read filters.
 *
 * @returns tells whether an event is asked for; of a time, both ends are
 * @throws SecretsApiError `INVALID_REQUEST` for a word that none is, or a time that is not of RFC 3339
 */
export function parseEventFilters(query: ReadonlyMap<string, string>): Matches {
  const all = EVENT_FILTERS.flatMap((name) => {
    const text = query.get(name)
    return text === undefined ? [] : [RULES[name](text)]
  })
  return (envelope) => all.every((matches) => matches(envelope))
}

function oneOf(text: string, words: readonly string[]): void {
  if (!words.includes(text)) throw new SecretsApiError('INVALID_REQUEST')
}

/** RFC 3339 section 5.6. */
const TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/

function timeOf(text: string): number {
  const timeMs = TIME.test(text) ? Date.parse(text.toUpperCase()) : Number.NaN
  if (Number.isNaN(timeMs)) throw new SecretsApiError('INVALID_REQUEST')
  return timeMs
}
