/** What the notes of conformance cases ask for beside their matchers. */
import { differencesOf } from './case-match.ts'
import type { CaseAnswer } from './case-wire.ts'

/** One case as it is run. */
export interface CaseRun {
  /** A request as root. */
  call(method: string, path: string, body?: unknown): Promise<CaseAnswer>
  /** Of the request of the case. */
  readonly answer: CaseAnswer
}

/** Statuses that a note allows beside the expected one. */
export const ALSO_ALLOWED: Readonly<Record<string, readonly number[]>> = Object.freeze({
  'envelope.token-newline': [403],
  'envelope.unknown-verb': [400],
  'limits.content-length-lie': [408],
  'limits.two-megabytes': [413],
  'read.repeated-query': [400],
  'read.trailing-slash': [400],
})

/** Cases whose lists of keys have no order. */
export const UNORDERED: ReadonlySet<string> = new Set(['list.scan-verb', 'list.scan-query'])

const PARALLEL = 50

interface VersionAnswer {
  readonly data: {
    readonly data: unknown
    readonly metadata: { readonly created_time: string; readonly deletion_time: string }
  }
}

const readA = async ({ call }: CaseRun): Promise<VersionAnswer['data']> => {
  const { text } = await call('GET', 'secret/data/a')
  return (JSON.parse(text) as VersionAnswer).data
}

const expectData =
  (expected: unknown) =>
  async (run: CaseRun): Promise<string[]> => {
    const { data } = await readA(run)
    return differencesOf(expected, data, true, 'data')
  }

/** Deleted exactly an hour after it was made, to the nanosecond. */
async function expectHour(run: CaseRun): Promise<string[]> {
  const { metadata } = await readA(run)
  const [made, deleted] = [metadata.created_time, metadata.deletion_time]
  const same = made.slice(19) === deleted.slice(19)
  const hour = Date.parse(deleted.slice(0, 19)) - Date.parse(made.slice(0, 19)) === 3_600_000
  return same && hour ? [] : ['deletion_time: not an hour later']
}

/** Differences, by the id of the case. Run after its request. */
export const NOTES: Readonly<Record<string, (run: CaseRun) => Promise<string[]>>> = Object.freeze({
  'write.write-replaces-whole': expectData({ y: '2' }),
  'patch.merge': expectData({ x: '9', o: { p: '1', r: '3' }, l: [3] }),
  'dva.key-value': expectHour,
  'dva.smaller-wins': expectHour,
  'write.proto-key': async ({ call }) => {
    const { text } = await call('GET', 'secret/data/a')
    const polluted = (Object.prototype as { x?: unknown }).x !== undefined
    const kept = text.includes('"__proto__":{"x":1}') && text.includes('"constructor":"c"')
    return kept && !polluted ? [] : ['data: not as it was written']
  },
  'write.cas-race': async ({ call }) => {
    await call('POST', 'secret/data/race', { data: { k: 0 } })
    const answers = await Promise.all(
      Array.from({ length: PARALLEL }, (_, k) =>
        call('POST', 'secret/data/race', { data: { k }, options: { cas: 1 } }),
      ),
    )
    const done = answers.filter(({ status }) => status === 200).length
    const refused = answers.filter(({ status }) => status === 400).length
    return done === 1 && refused === PARALLEL - 1 ? [] : [`race: ${done} done, ${refused} refused`]
  },
  'softdelete.delete-twice': async ({ call }) => {
    const before = await call('GET', 'secret/data/a')
    await call('DELETE', 'secret/data/a')
    const after = await call('GET', 'secret/data/a')
    const timeOf = ({ text }: CaseAnswer): string =>
      (JSON.parse(text) as VersionAnswer).data.metadata.deletion_time
    return timeOf(before) === timeOf(after) ? [] : ['deletion_time: changed']
  },
  'subkeys.no-leak': async ({ answer }) =>
    /"[sv]"/.test(answer.text) ? ['body: holds a value'] : [],
  'meta.data-read-does-not-touch-updated': async ({ answer }) => {
    const { data } = JSON.parse(answer.text) as {
      data: { updated_time: string; versions: Record<string, { created_time: string }> }
    }
    return data.updated_time === data.versions['1']?.created_time ? [] : ['updated_time: changed']
  },
})
