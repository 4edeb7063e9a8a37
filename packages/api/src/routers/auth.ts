import { router, type Operations } from '../operation.js'
import { registration, user, credentials, token } from '../schemas/auth.js'
import type { AccountsService } from '../services.js'

const EXAMPLE_KEY = 'MCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo='
const EXAMPLE_USER = {
  id: '3f2b8c1e-6f5d-4a7b-9c3d-2e1f0a9b8c7d',
  username: 'alice',
  public_key: EXAMPLE_KEY,
  key_version: 1,
  fingerprint: '0ee7a6bf1a9deebaa7f4d3b1b6d9ce4b2a8ce23d1f2d8e01a0d1e2f3c4b5a697',
  created_at: '2026-01-31T12:00:00.000Z',
}

/** Accounts: registering, logging in, and who one is. */
export function createAuthRouter(operations: Operations, accounts: AccountsService) {
  return router({
    register: operations.anyone
      .meta({
        openapi: {
          method: 'POST',
          path: '/register',
          tags: ['auth'],
          summary: 'Register an account',
          description:
            'Makes an account with its first public key. The username is unique without regard to case.',
          successDescription: 'The account.',
          protect: false,
        },
        successStatus: 201,
        limit: 'register',
        errors: ['username_taken'],
        example: {
          request: { username: 'alice', password: 'correct horse battery', public_key: EXAMPLE_KEY },
          response: EXAMPLE_USER,
        },
      })
      .input(registration)
      .output(user)
      .mutation(({ input }) => accounts.register(input)),

    login: operations.anyone
      .meta({
        openapi: {
          method: 'POST',
          path: '/login',
          tags: ['auth'],
          summary: 'Log in',
          description:
            "Exchanges username and password for an access token of 30 minutes: OAuth2's password flow as a form, or the " +
            'same fields as JSON. An Authorization header with an earlier token of the account, even an expired one, ' +
            'keeps strangers who guess at the password from locking its owner out. When `Relay-Epoch` is another than at ' +
            'the last login, a backup was restored: offer again what was not delivered.',
          successDescription: 'An access token.',
          protect: false,
        },
        successStatus: 200,
        limit: 'login',
        errors: ['invalid_credentials'],
        example: {
          request: { username: 'alice', password: 'correct horse battery' },
          response: { access_token: 'eyJhbGciOiJIUzI1NiJ9.e30.c2ln', token_type: 'bearer', expires_in: 1800 },
        },
        form: true,
        tellsEpoch: true,
      })
      .input(credentials)
      .output(token)
      .mutation(async ({ input, ctx }) => {
        const loggedIn = await accounts.login(input, ctx.bearer)
        ctx.tellEpoch(loggedIn.epoch)
        return loggedIn.token
      }),

    me: operations.bearerWithoutFields
      .meta({
        openapi: {
          method: 'GET',
          path: '/me',
          tags: ['auth'],
          summary: 'Who one is',
          description: "The account of the token's owner, with its present public key.",
          successDescription: 'The account.',
          protect: true,
        },
        successStatus: 200,
        limit: 'request',
        errors: [],
        example: { response: EXAMPLE_USER },
      })
      .output(user)
      .query(({ ctx }) => accounts.me(ctx.userId)),
  })
}
