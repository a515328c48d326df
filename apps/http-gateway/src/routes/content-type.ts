/** What a body says that it is. */

const JSON_TYPE = /^application\/json[ \t]*(?:;|$)/i

/** Whether it is JSON, with parameters or without (RFC 9110 §8.3.1). */
export function isJsonType(contentType: string | undefined): boolean {
  return JSON_TYPE.test(contentType ?? '')
}
