import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { outcomeOf } from '../harness/http.js'
import { REPOSITORY } from '../harness/process.js'
import { useRelay } from '../harness/relay.js'

const relay = useRelay()

describe('/docs', () => {
  test('is a page without a redirect whose assets are all served here, under a policy that names no other host', async () => {
    const page = await relay.get('/docs')
    expect(page.status).toBe(200)
    expect(page.headers['content-type']).toMatch(/^text\/html/)
    expect(String(page.headers['content-security-policy'])).not.toMatch(/https?:|\*/)
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => String(link))
    expect(links.length).toBeGreaterThan(3)
    for (const link of links) {
      expect(link).toMatch(/^\/docs\//)
      const asset = await relay.get(link)
      expect(asset.status).toBe(200)
      expect(asset.headers['x-content-type-options']).toBe('nosniff')
    }
    // No script stands in the page itself: the policy would not run it.
    expect(page.text).not.toMatch(/<script>|onload=|style="/)
  })

  test('serves an asset whole, whatever a client asks of it', async () => {
    for (const headers of [
      { range: 'bytes=99999999-' },
      { 'if-match': '"x"' },
      { 'if-unmodified-since': 'Mon, 01 Jan 1990 00:00:00 GMT' },
    ])
      expect((await relay.get('/docs/swagger-ui.css', { headers })).status).toBe(200)
  })

  test('serves no other file of the package', async () => {
    for (const file of [
      '/docs/package.json',
      '/docs/..%2fpackage.json',
      '/docs/index.html',
      '/docs/swagger-ui.css.map',
    ])
      expect(outcomeOf(await relay.get(file))).toBe('404 not_found')
  })
})

test('/openapi.json is the document that the repository holds', async () => {
  const committed: unknown = JSON.parse(readFileSync(path.join(REPOSITORY, 'openapi.json'), 'utf8'))
  expect((await relay.get('/openapi.json')).json).toEqual(committed)
})

test('/health and /ready answer without a token', async () => {
  expect((await relay.get('/health')).json).toEqual({ status: 'ok' })
  const [epoch] = await relay.sql<{ id: string }>('select id from epoch')
  expect((await relay.get('/ready')).json).toEqual({ status: 'ready', epoch: epoch?.id })
})

describe('/metrics', () => {
  test('has the process and the requests by route template, and nothing that a client wrote', async () => {
    const user = await relay.user()
    await relay.get(`/public-key/${user.id}`, { token: user.token })
    await relay.get(`/users/${user.username}`, { token: user.token })
    await relay.get(`/nope-${user.username}`)
    await relay.query('auth.me', undefined, { token: user.token })
    await relay.get(`/trpc/${user.username}`)
    const { text, headers } = await relay.get('/metrics')
    expect(headers['content-type']).toMatch(/^text\/plain/)
    expect(text).toMatch(/^process_resident_memory_bytes /m)
    expect(text).toMatch(
      /^http_request_duration_seconds_count\{method="GET",route="\/public-key\/\{user_id\}",status="200"\} 1$/m,
    )
    expect(text).toMatch(/route="\/trpc\/auth\.me",status="200"/)
    expect(text).toMatch(/route="unmatched",status="404"/)
    expect(text).not.toContain(user.username)
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/)
  })

  test('is 404 for whoever was forwarded', async () => {
    for (const header of ['x-forwarded-for', 'forwarded'])
      for (const method of ['GET', 'POST', 'OPTIONS'])
        expect((await relay.request(method, '/metrics', { headers: { [header]: '127.0.0.1' } })).status).toBe(
          404,
        )
  })
})
