/** Rotation of the data keys over the protocol: begin, and how far it is (DESIGN §6). */
import { replaceEpochs, type WrappedEpoch } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import type { Caller, RequestOf, RotateResponse, RotationInfo } from '@secreg/protocol'
import { auditBody } from '../audit-record.ts'
import type { Core } from '../core.ts'
import { ROTATION_KEY } from '../keys.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'
import type { Rotation } from '../rotation/rotation.ts'
import { decodeRotation, type RotationState, rotationOp } from '../rotation/state.ts'
import { headerOp, storedHeader } from '../seal-row.ts'

/**
 * Make a new data key and have every value sealed under it, or tell how far that is. One that is under way goes on.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_SEALED`, and the failures of store and log
 */
export function rotate(
  core: Core,
  rotation: Rotation,
  caller: Caller,
  request: RequestOf<'rotate'>,
): Promise<RotateResponse> {
  const facts: Facts = { action: 'rotate', detail: request.op }
  if (request.op === 'status') {
    return recorded(core.journal, caller, facts, () => {
      core.authorizer.require(caller, 'rotate', '/')
      core.keys.requireUnsealed()
      return answerOf(core, rotation.state, false)
    })
  }
  let made: WrappedEpoch | undefined
  return core.writer.submit<RotateResponse>({
    plan: (view) => {
      core.authorizer.require(caller, 'rotate', '/')
      core.keys.requireUnsealed()
      const row = view.get(ROTATION_KEY)
      const running = row === undefined ? undefined : decodeRotation(row)
      if (running !== undefined && running.phase !== 'blocked') {
        return {
          ops: [],
          record: auditBody(caller, 'rotate', 'ok', facts),
          result: () => answerOf(core, rotation.state ?? running, false),
        }
      }
      made ??= core.keys.addEpoch()
      const added = made
      const { epoch } = added
      const header = core.keys.changeHeader(storedHeader(view), (stored, headerKey) =>
        replaceEpochs(stored, headerKey, [...stored.epochs, added], { backend: nodeBackend }),
      )
      const state: RotationState = {
        epoch,
        phase: 'values',
        after: '',
        done: 0,
        total: core.counters.entries(view),
        unreadable: 0,
        startedAtMs: core.now(),
      }
      return {
        ops: [headerOp(header), rotationOp(state)],
        record: auditBody(caller, 'rotate', 'ok', { ...facts, detail: `start epoch ${epoch}` }),
        publish: () => {
          core.keys.replaceHeader(header)
          core.keys.activateEpoch(epoch)
          rotation.begun(state)
        },
        result: () => answerOf(core, rotation.state ?? state, true),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

/** How far a rotation is, as clients are told. */
export function rotationInfo(state: RotationState): RotationInfo {
  const { epoch, phase, done, total, unreadable, startedAtMs } = state
  return {
    epoch,
    phase,
    done,
    // Entries without a value are looked at too.
    total: Math.max(total, done),
    ...(unreadable === 0 ? {} : { unreadable }),
    started_at: startedAtMs,
  }
}

function answerOf(core: Core, state: RotationState | undefined, started: boolean): RotateResponse {
  return {
    epoch: core.keys.currentEpoch,
    started,
    ...(state === undefined ? {} : { rotation: rotationInfo(state) }),
  }
}
