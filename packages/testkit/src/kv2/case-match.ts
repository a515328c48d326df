/** Whether an answer is what a conformance case expects, by the matchers of kv2-cases.md. */
import { isObject } from './refusal.ts'

const MATCHERS: Readonly<Record<string, (value: unknown) => boolean>> = Object.freeze({
  '@rfc3339': (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(value),
  '@uuid': (value) =>
    typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
  '@int': Number.isInteger,
  '@string': (value) => typeof value === 'string',
  '@nonempty': (value) => typeof value === 'string' && value !== '',
  '@any': (value) => value !== undefined,
  '@absent': (value) => value === undefined,
})

function isPattern(expected: unknown): expected is string {
  return typeof expected === 'string' && /^\/.+\/$/s.test(expected)
}

/**
 * Differences between what is expected and what came, as texts that name members and no values.
 *
 * @param exact - other members than the expected ones are differences too
 */
export function differencesOf(
  expected: unknown,
  actual: unknown,
  exact: boolean,
  at = 'body',
): string[] {
  if (typeof expected === 'string' && Object.hasOwn(MATCHERS, expected)) {
    return MATCHERS[expected]?.(actual) ? [] : [`${at}: not ${expected}`]
  }
  if (isPattern(expected)) {
    const matches = typeof actual === 'string' && new RegExp(expected.slice(1, -1)).test(actual)
    return matches ? [] : [`${at}: does not match ${expected}`]
  }
  if (Array.isArray(expected)) return listDifferences(expected, actual, exact, at)
  if (isObject(expected)) {
    if (!isObject(actual)) return [`${at}: no object`]
    const others = Object.keys(actual).filter((key) => !Object.hasOwn(expected, key))
    return [
      ...Object.entries(expected).flatMap(([key, value]) =>
        differencesOf(
          value,
          Object.hasOwn(actual, key) ? actual[key] : undefined,
          exact,
          `${at}.${key}`,
        ),
      ),
      ...(exact ? others.map((key) => `${at}.${key}: not expected`) : []),
    ]
  }
  return Object.is(expected, actual) ? [] : [`${at}: not ${JSON.stringify(expected)}`]
}

function listDifferences(
  expected: readonly unknown[],
  actual: unknown,
  exact: boolean,
  at: string,
): string[] {
  if (!Array.isArray(actual)) return [`${at}: no list`]
  if (expected.some(isPattern)) {
    const unmatched = expected.filter(
      (pattern) => !actual.some((text) => differencesOf(pattern, text, exact).length === 0),
    )
    return unmatched.map((pattern) => `${at}: nothing matches ${String(pattern)}`)
  }
  if (expected.length !== actual.length) return [`${at}: ${actual.length} items`]
  return expected.flatMap((item, index) =>
    differencesOf(item, actual[index], exact, `${at}[${index}]`),
  )
}
