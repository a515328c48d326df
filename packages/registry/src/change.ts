/** Payload of the change row of a commit: the events of its whole group, in order, as JSON. */
import type { ChangeEvent } from '@secreg/protocol'
import type { MaybePromise } from '@secreg/storage'
import type { Planned } from './group.ts'
import { forEachInSlices, jsonInSlices } from './slices.ts'

/** Events from which the payload is made in slices. */
const MANY = 2000

const encoder = new TextEncoder()

export function changeOf(group: readonly Planned[]): MaybePromise<Uint8Array> {
  const events = group.flatMap(({ plan }) => plan.events ?? [])
  return events.length < MANY ? encoder.encode(JSON.stringify(events)) : inSlices(events)
}

async function inSlices(events: readonly ChangeEvent[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  await forEachInSlices(await jsonInSlices(events), (text) => pieces.push(encoder.encode(text)))
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  await forEachInSlices(pieces, (piece) => {
    bytes.set(piece, at)
    at += piece.length
  })
  return bytes
}
