/** Secrets and what happens to them, as they are told on the wire. */
import { type SecretDefinition, USAGE_NUMBERS } from '../secret/types.ts'
import { writeMessage } from '../wire/remote-frames.ts'
import type { SecretHandle } from '../wire/secret-handle.ts'
import type { SecretEvent } from './port.ts'

/** `virSecretEventLifecycleType`. */
const LIFECYCLE = Object.freeze({ defined: 0, undefined: 1 })

export function handleOf({ uuid, usage }: SecretDefinition): SecretHandle {
  return { uuid, usageType: USAGE_NUMBERS[usage.type], usageId: usage.id }
}

/** Write the message that tells a callback of an event. */
export function writeEvent(callbackId: number, event: SecretEvent): Uint8Array {
  const secret = handleOf(event.secret)
  return event.type === 'lifecycle'
    ? writeMessage('secretEventLifecycle', {
        callbackId,
        secret,
        event: LIFECYCLE[event.event],
        detail: 0,
      })
    : writeMessage('secretEventValueChanged', { callbackId, secret })
}
