import { router, type Operations } from '../operation.js'
import { publicKeyRecord, keyRequest, keyUpdate } from '../schemas/keys.js'
import type { DirectoryService } from '../services.js'

const EXAMPLE_KEY = {
  user_id: '3f2b8c1e-6f5d-4a7b-9c3d-2e1f0a9b8c7d',
  username: 'alice',
  public_key: 'MCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=',
  key_version: 1,
  fingerprint: '0ee7a6bf1a9deebaa7f4d3b1b6d9ce4b2a8ce23d1f2d8e01a0d1e2f3c4b5a697',
  updated_at: '2026-01-31T12:00:00.000Z',
}

/** Public keys: reading anyone's, replacing one's own. */
export function createKeysRouter(operations: Operations, directory: DirectoryService) {
  return router({
    get: operations.bearer
      .meta({
        openapi: {
          method: 'GET',
          path: '/public-key/{user_id}',
          tags: ['keys'],
          summary: "Read a user's public key",
          description:
            'The present key. After a key update every later read, on any instance, returns the new one.',
          successDescription: 'The key with its version and fingerprint.',
          protect: true,
        },
        successStatus: 200,
        limit: 'lookup',
        errors: ['not_found'],
        example: { response: EXAMPLE_KEY },
      })
      .input(keyRequest)
      .output(publicKeyRecord)
      .query(({ input, ctx }) => directory.get(ctx.userId, input.user_id)),

    update: operations.bearer
      .meta({
        openapi: {
          method: 'PUT',
          path: '/update-key',
          tags: ['keys'],
          summary: "Replace one's public key",
          description: 'Setting the present key again changes neither its version nor its time.',
          successDescription: 'The key as it is now.',
          protect: true,
        },
        successStatus: 200,
        limit: 'request',
        errors: [],
        example: {
          request: { public_key: EXAMPLE_KEY.public_key },
          response: { ...EXAMPLE_KEY, key_version: 2 },
        },
      })
      .input(keyUpdate)
      .output(publicKeyRecord)
      .mutation(({ input, ctx }) => directory.update(ctx.userId, input)),
  })
}
