import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { expectDefined, useRelay, type TestUser } from '../harness/relay.js'

const relay = useRelay()
let user: TestUser
beforeAll(async () => {
  user = await relay.user()
})

const header = z.object({ required: z.boolean(), schema: z.record(z.string(), z.unknown()) })
const referring = z.object({ headers: z.record(z.string(), z.object({ $ref: z.string() })) })
const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ responses: z.record(z.string(), referring) }))),
  components: z.object({
    headers: z.record(z.string(), header),
    schemas: z.record(
      z.string(),
      z.object({ properties: z.record(z.string(), z.object({ pattern: z.string().optional() })) }),
    ),
  }),
})

async function readDocument(): Promise<z.infer<typeof document>> {
  return document.parse((await relay.get('/openapi.json')).json)
}

async function patternOf(schema: string, property: string): Promise<RegExp> {
  const { components } = await readDocument()
  return new RegExp(expectDefined(components.schemas[schema]?.properties[property]?.pattern), 'u')
}

describe('the document draws the line of characters where the server does', () => {
  test.each(['\0', '\b', '\t', '\n', '\v', '\f', '\r', '\u001f', ' ', '\u007f', '\u009f', '\u00a0', '😀'])(
    'in a public key, with %j',
    async (character) => {
      const pattern = await patternOf('KeyUpdate', 'public_key')
      const { status } = await relay.put(
        '/update-key',
        { public_key: `a${character}b` },
        { token: user.token },
      )
      expect(status).toBe(pattern.test(`a${character}b`) ? 200 : 422)
    },
  )

  test.each(['\0', '\u0001', '\n'])('in a ciphertext and in a password, with %j', async (character) => {
    const ciphertext = `a${character}b`
    const password = `a password${character}`
    const sent = await relay.post('/messages', { recipient_id: user.id, ciphertext }, { token: user.token })
    expect(sent.status).toBe((await patternOf('Outgoing', 'ciphertext')).test(ciphertext) ? 201 : 422)
    const person = { username: `p${character.codePointAt(0)}xx`, password, public_key: 'key' }
    const registered = await relay.post('/register', person)
    expect(registered.status).toBe((await patternOf('Registration', 'password')).test(password) ? 201 : 422)
  })
})

test('an answer has every header that the document promises, of the kind that it says', async () => {
  const { paths, components } = await readDocument()
  const answers = [await relay.get('/me', { token: user.token }), await relay.get('/me', { token: 'none' })]
  for (const { status, headers } of answers) {
    const promised = Object.keys(expectDefined(paths['/me']?.['get']?.responses[status]).headers)
    expect(promised).toEqual(status === 401 ? ['X-Request-Id', 'WWW-Authenticate'] : ['X-Request-Id'])
    for (const name of promised) {
      const { required, schema } = expectDefined(components.headers[name])
      expect(required).toBe(true)
      expect(z.fromJSONSchema(schema).safeParse(headers[name.toLowerCase()]).success).toBe(true)
    }
  }
})
