import { createAuthRouter } from './routers/auth.js'
import { createKeysRouter } from './routers/keys.js'
import { createMessagesRouter } from './routers/messages.js'
import { createOperations, router } from './operation.js'
import type { Services } from './services.js'
import { createUsersRouter } from './routers/users.js'

/**
 * The one table of operations, built from a server's services.
 *
 * @param services - what the procedures call; see `services.ts` for what each may throw
 * @returns a tRPC router whose procedures carry in their meta all that a REST door needs
 */
export function createRouter(services: Services) {
  const operations = createOperations(services)
  return router({
    auth: createAuthRouter(operations, services.accounts),
    keys: createKeysRouter(operations, services.directory),
    messages: createMessagesRouter(operations, services.mailbox),
    users: createUsersRouter(operations, services.directory),
  })
}

/** What a typed client imports: `createTRPCClient<AppRouter>(…)`. */
export type AppRouter = ReturnType<typeof createRouter>
