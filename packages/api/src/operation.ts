import { admitAnyone, admitBearer, answerInCodes, refuseUnreadable } from './admission.js'
import type { Services } from './services.js'
import { t } from './trpc.js'

export const { router } = t

/**
 * The three ways into a procedure, each in API.md's order of refusal: who calls (401), how often (429), then
 * whether the input can be read (400) and is valid (422).
 */
export function createOperations(services: Services) {
  const procedure = t.procedure.use(answerInCodes(services.limiter))
  const anyone = procedure.use(admitAnyone(services.limiter))
  const bearer = procedure.use(admitBearer(services))
  return {
    /** For anyone, counted by client address. */
    anyone: anyone.use(refuseUnreadable),
    /** For the owner of a token, whose id the procedure gets as `ctx.userId`. */
    bearer: bearer.use(refuseUnreadable),
    /** As `bearer`, for operations without fields: they ignore their input. */
    bearerWithoutFields: bearer,
  }
}

export type Operations = ReturnType<typeof createOperations>
