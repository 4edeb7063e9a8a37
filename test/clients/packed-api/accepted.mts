// What somebody writes who installed the package and nothing else of this repository. (`.mts`, so that the build
// of the test folder, which would find the workspace's package, leaves it out.)
import {
  ERRORS,
  listRequest,
  outgoing,
  registration,
  type AppRouter,
  type ErrorCode,
  type Message,
  type Outgoing,
} from '@secure-messenger/api'
import { createTRPCClient, httpBatchLink, TRPCClientError } from '@trpc/client'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

const relay = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: 'http://relay.example/trpc' })] })

// Inputs are plain: text from a form or a database goes in as it is.
type Sent = Parameters<typeof relay.messages.send.mutate>[0]
export const plainInput: Same<
  Sent,
  { recipient_id: string; ciphertext: string; client_message_id?: string | undefined }
> = true
export const plainId: Same<Parameters<typeof relay.keys.get.query>[0], { user_id: string }> = true
export const plainSchema: Same<Outgoing, Sent> = true

export async function calls(): Promise<void> {
  const { id } = await relay.auth.register.mutate({ username: 'a', password: 'b', public_key: 'c' })
  await relay.messages.send.mutate({ recipient_id: id, ciphertext: 'text' })
  await relay.messages.list.query()
  const page = await relay.messages.list.query({ limit: 10, after: id, wait: 0 })
  const message: Message | undefined = page.messages[0]
  console.log(message?.ciphertext.length, page.more satisfies boolean)
  const { status } = await relay.messages.status.query({ id, recipient_id: id })
  const known: 'pending' | 'delivered' | 'expired' = status
  console.log(known, (await relay.auth.me.query()).key_version.toFixed())

  // @ts-expect-error a field of another name
  await relay.messages.send.mutate({ recipient: id, ciphertext: 'text' })
  // @ts-expect-error no field at all
  await relay.messages.confirm.mutate({})
  // @ts-expect-error a number where text belongs
  await relay.keys.get.query({ user_id: 7 })
  // @ts-expect-error an operation that there is not
  await relay.messages.delete.mutate({ id })
  // @ts-expect-error a query called as a mutation
  await relay.keys.get.mutate({ user_id: id })
  // @ts-expect-error a field that an answer has not
  console.log((await relay.auth.me.query()).password)
}

export function codeOf(error: TRPCClientError<AppRouter>): ErrorCode | undefined {
  return error.data?.code
}

/** What the schemas do at run time. */
export function checks() {
  const id = '0197A3C2-5B1E-7D3A-9F40-6C1DE2A7B8F1'
  const refused = registration.safeParse({ username: 'a b', password: 'short', public_key: 'key' })
  return {
    id: outgoing.parse({ recipient_id: id, ciphertext: 'text' }).recipient_id,
    paths: refused.error?.issues.map(({ path }) => path.join('.')),
    unknown: outgoing.safeParse({ recipient_id: id, ciphertext: 'text', admin: true }).success,
    empty: listRequest.parse(undefined),
    status: ERRORS.username_taken.status,
  }
}
