/** What libvirt was recorded to read and write; see vectors/README.md. */
import { loadJsonLines } from '@secreg/testkit'

export interface RecordedDefine {
  readonly recording: string
  readonly xml: string
  readonly flags?: number
  readonly secret?: { readonly uuid: string; readonly type: number; readonly id: string }
  readonly error?: { readonly code: number; readonly domain: number; readonly message: string }
}

export interface RecordedDescription {
  readonly recording: string
  readonly defined: string
  readonly xml: string
}

export interface OtherXml {
  readonly file: string
  readonly xml: string
}

export const DEFINES: readonly RecordedDefine[] = loadJsonLines(vectors('defines'))
export const DESCRIPTIONS: readonly RecordedDescription[] = loadJsonLines(vectors('descriptions'))
export const OTHERS: readonly OtherXml[] = loadJsonLines(vectors('others'))

function vectors(name: string): URL {
  return new URL(`./vectors/${name}.jsonl`, import.meta.url)
}
