import { admitAnyone, admitBearer } from './admission.js'
import type { Services } from './services.js'
import { t } from './trpc.js'

export const { router } = t

/**
 * The three ways into a procedure, each in API.md's order of refusal: who calls (401), how often (429), then
 * whether the input can be read (400) and is valid (422).
 */
export function createOperations(services: Services) {
  return {
    /** For anyone, counted by client address. */
    anyone: t.procedure.use(admitAnyone(services.limiter)),
    /** For the owner of a token, whose id the procedure gets as `ctx.userId`, and its end as `ctx.expiresAt`. */
    bearer: t.procedure.use(admitBearer(services, { hasFields: true })),
    /** As `bearer`, for operations without fields: they ignore their input. */
    bearerWithoutFields: t.procedure.use(admitBearer(services, { hasFields: false })),
  }
}

export type Operations = ReturnType<typeof createOperations>
