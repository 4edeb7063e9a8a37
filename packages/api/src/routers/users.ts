import { router, type Operations } from '../operation.js'
import { userRequest, foundUser } from '../schemas/users.js'
import type { DirectoryService } from '../services.js'

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
