import { z } from 'zod'
import { router, type Operations } from './operation.js'
import type { DirectoryService } from './services.js'
import { answeredId, fingerprint, keyVersion, username } from './values.js'

export const userRequest = z.strictObject({ username: z.string().meta({ example: 'alice' }) })

export const foundUser = z.object({ user_id: answeredId, username, key_version: keyVersion, fingerprint })
export type FoundUser = z.infer<typeof foundUser>

/** Finding a user by name. */
export function createUsersRouter(operations: Operations, directory: DirectoryService) {
  return router({
    find: operations.bearer
      .meta({
        openapi: {
          method: 'GET',
          path: '/users/{username}',
          tags: ['users'],
          summary: 'Find a user by name',
          description: 'Finds without regard to case. The whole name is needed: there is no search.',
          successDescription: "The user's id, and version and fingerprint of the present key.",
          protect: true,
        },
        successStatus: 200,
        limit: 'lookup',
        errors: ['not_found'],
        example: {
          response: {
            user_id: '3f2b8c1e-6f5d-4a7b-9c3d-2e1f0a9b8c7d',
            username: 'alice',
            key_version: 1,
            fingerprint: '0ee7a6bf1a9deebaa7f4d3b1b6d9ce4b2a8ce23d1f2d8e01a0d1e2f3c4b5a697',
          },
        },
      })
      .input(userRequest)
      .output(foundUser)
      .query(({ input, ctx }) => directory.find(ctx.userId, input.username)),
  })
}
