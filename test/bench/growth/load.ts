import http from 'node:http'

/** One request, and whose it is. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly token: string
  readonly body?: string
}

/** What a run of calls gave. */
export interface Run {
  readonly calls: number
  readonly perSecond: number
  /** How long each took, milliseconds, in order of length. */
  readonly sortedMs: readonly number[]
}

interface LoadOptions {
  readonly port: number
  /** Calls at once, each on a connection that is kept. */
  readonly atOnce: number
  /** @returns whether to go on after so many milliseconds */
  readonly goesOn: (elapsedMs: number) => boolean
  /** @returns undefined where there is nothing left to do */
  readonly next: () => Call | undefined
  /** Calls each second, all together; each is then timed from when it was due, so that a stall is not left out. */
  readonly perSecond?: number
}

export type Ask = (call: Call) => Promise<string>

/** Keeps connections to the server and asks; anything but a 2xx is an error. */
export function connect(port: number, atOnce: number): { ask: Ask; close(): void } {
  const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce })
  const ask: Ask = ({ method, path, token, body }) =>
    new Promise((resolve, reject) => {
      const headers: http.OutgoingHttpHeaders = {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        }),
      }
      const request = http.request({ host: '127.0.0.1', port, method, path, headers, agent }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          const { statusCode = 0 } = response
          if (statusCode < 300) resolve(text)
          else reject(new Error(`${method} ${path.split('/')[1]} was answered ${statusCode}: ${text}`))
        })
      })
      request.on('error', reject)
      request.end(body)
    })
  return { ask, close: () => agent.destroy() }
}

/** Makes calls one after the other on each of several connections. */
export async function load({ port, atOnce, goesOn, next, perSecond }: LoadOptions): Promise<Run> {
  const { ask, close } = connect(port, atOnce)
  const lengths: number[] = []
  const startedAt = performance.now()
  let begun = 0
  const worker = async (): Promise<void> => {
    for (;;) {
      const dueMs = perSecond === undefined ? 0 : (begun / perSecond) * 1000
      const waitMs = dueMs - (performance.now() - startedAt)
      begun += 1
      if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs))
      const call = goesOn(performance.now() - startedAt) ? next() : undefined
      if (!call) return
      const at = perSecond === undefined ? performance.now() : startedAt + dueMs
      await ask(call)
      lengths.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const seconds = (performance.now() - startedAt) / 1000
  close()
  return {
    calls: lengths.length,
    perSecond: lengths.length / seconds,
    sortedMs: lengths.toSorted((a, b) => a - b),
  }
}
