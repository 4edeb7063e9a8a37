// Every line with a mark at its end is wrong, and the compiler must say so.
import { ERRORS, registration, type AppRouter, type ErrorCode } from '@secure-messenger/api'
import { createTRPCClient, httpBatchLink } from '@trpc/client'

const relay = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: 'http://relay.example/trpc' })] })

export async function mistakes(): Promise<void> {
  await relay.messages.send.mutate({ recipient: 'somebody', ciphertext: 'text' }) // refused: 'recipient' does not exist
  await relay.messages.list.query({ limit: 'ten' }) // refused: 'string' is not assignable to type 'number
  await relay.messages.confirm.mutate({}) // refused: Property 'id' is missing
  const code: ErrorCode = 'no_such_code' // refused: "no_such_code"
  console.log(code, ERRORS.no_such_code) // refused: 'no_such_code' does not exist
  console.log(registration.parse({}).user_name) // refused: 'user_name' does not exist
}
