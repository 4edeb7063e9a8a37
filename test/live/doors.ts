import { createTRPCClient, httpSubscriptionLink } from '@trpc/client'
import { message, notice, type AppRouter } from '@secure-messenger/api'
import { ErrorEvent, EventSource, type EventSourceInit } from 'eventsource'
import type { OpenStream } from './live-client.js'

const NOTICES = ['drained', 'delivered', 'token_expired']

/** The header that a browser's own EventSource could not send. */
function authorize(token: string): EventSourceInit {
  return {
    fetch: (url, init) =>
      fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }),
  }
}

export function createLiveRpc(base: string, token: string) {
  return createTRPCClient<AppRouter>({
    links: [
      httpSubscriptionLink<AppRouter, typeof EventSource>({
        url: `${base}/trpc`,
        EventSource,
        eventSourceOptions: () => authorize(token),
      }),
    ],
  })
}

function openRest(base: string, token: string): OpenStream {
  return (listener) => {
    const source = new EventSource(`${base}/messages/live`, authorize(token))
    source.addEventListener('open', () => listener.opened())
    source.addEventListener('message', ({ data, lastEventId }) =>
      listener.hear({ id: lastEventId, data: message.parse(JSON.parse(String(data))) }),
    )
    for (const event of NOTICES)
      source.addEventListener(event, ({ data }) =>
        listener.hear(notice.parse({ event, ...JSON.parse(String(data)) })),
      )
    source.addEventListener('error', ({ code }) => listener.fail(code))
    return () => source.close()
  }
}

/** tRPC's link opens its stream again where it was cut, and gives up where it was refused. */
function openRpc(base: string, token: string): OpenStream {
  return (listener) => {
    const subscription = createLiveRpc(base, token).messages.live.subscribe(undefined, {
      onStarted: () => listener.opened(),
      onData: (heard) => listener.hear(heard),
      onError: ({ cause }) => listener.fail(cause instanceof ErrorEvent ? cause.code : undefined),
    })
    return () => subscription.unsubscribe()
  }
}

/** How the stream of a token's owner is opened over each door. */
export const doors = { REST: openRest, tRPC: openRpc }
export type Door = keyof typeof doors
