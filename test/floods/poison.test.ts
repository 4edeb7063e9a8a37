import { expect, test } from 'vitest'
import { z } from 'zod'
import { request } from '../harness/http.js'
import { expectDefined, useRelay } from '../harness/relay.js'
import { openLive, type Stream } from '../harness/stream.js'
import { tokenFor } from '../harness/tokens.js'
import { startServer } from './servers.js'

/** Each as large as a ciphertext may be. */
const LARGE = 'x'.repeat(65_536)
/** More than a page holds: 2 MiB. */
const LARGE_PAGE = 33
const LETTERS = 12
const READINGS = 3

const page = z.object({ messages: z.array(z.object({ id: z.string() })), more: z.boolean() })
const receipt = z.object({ id: z.string() })
const relay = useRelay()

async function send(from: string, to: string, ciphertext: string): Promise<string> {
  const json = { recipient_id: to, ciphertext }
  const answer = await relay.post('/messages', json, { token: tokenFor(from) })
  return receipt.parse(answer.json).id
}

async function sendMany(from: string, to: string, texts: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const text of texts) ids.push(await send(from, to, text))
  return ids
}

/** Page by page, each beyond the one before, to what is said to be the end. */
async function readThrough(base: string, owner: string, limit: number): Promise<string[][]> {
  const pages: string[][] = []
  for (let [after, more] = ['', true]; more;) {
    const answer = await request(base, 'GET', `/messages?limit=${limit}${after}`, { token: tokenFor(owner) })
    const read = page.parse(answer.json)
    pages.push(read.messages.map(({ id }) => id))
    after = `&after=${String(pages.at(-1)?.at(-1))}`
    more = read.more
  }
  return pages
}

/** What a stream brings before it says that it brought everything. */
async function listen(base: string, owner: string): Promise<Stream> {
  const stream = await openLive(base, tokenFor(owner))
  await stream.drained()
  return stream
}

const missingOf = (sent: readonly string[], heard: readonly (string | undefined)[]): number =>
  sent.filter((id) => !heard.includes(id)).length

test.for([
  { kind: 'a message', poison: ['poison'], limit: 1 },
  { kind: 'more than a page of 2 MiB', poison: Array.from({ length: LARGE_PAGE }, () => LARGE), limit: 100 },
])(
  '$kind that is never confirmed hides nothing that came later, from pages and from streams',
  async ({ poison, limit }, { task }) => {
    const [owner, stranger, friend] = (await relay.database.insertPeople(3)).map(expectDefined)
    if (!owner || !stranger || !friend) throw new Error('no people')
    const poisonIds = await sendMany(stranger, owner, poison)
    const letters = await sendMany(
      friend,
      owner,
      Array.from({ length: LETTERS }, (_, at) => `letter ${at}`),
    )
    const all = [...poisonIds, ...letters]

    const readings = []
    for (let reading = 0; reading < READINGS; reading++)
      readings.push(await readThrough(relay.base, owner, limit))
    const stream = await listen(relay.base, owner)
    const beforeDrained = [...stream.ids]
    const late = await send(friend, owner, 'late')
    await stream.until(() => stream.ids.includes(late))
    const again = await listen(relay.base, owner)
    const position = `/messages?after=${String(letters.at(-1))}&wait=5`
    const waited = page.parse((await relay.get(position, { token: tokenFor(owner) })).json)

    const silent = await startServer({ databaseUrl: relay.databaseUrl, without: 'more' })
    const silentPages = await readThrough(silent, owner, limit)
    const silentStream = await listen(silent, owner)
    task.meta.figures = {
      poison: poison.length,
      letters: LETTERS,
      pages: readings.map((reading) => reading.length),
      missing: Math.max(...readings.map((reading) => missingOf(letters, reading.flat()))),
      missingFromStreams: missingOf(letters, beforeDrained) + missingOf([...letters, late], again.ids),
      'missing, where pages do not tell of more':
        missingOf(letters, silentPages.flat()) + missingOf(letters, silentStream.ids),
    }
    for (const open of [stream, again, silentStream]) open.close()

    for (const reading of readings) expect(reading.flat()).toEqual(all)
    expect(readings[0]?.[0]).toEqual(poisonIds.slice(0, readings[0]?.[0]?.length))
    expect(beforeDrained).toEqual(all)
    expect(again.ids).toEqual([...all, late])
    expect(waited.messages.map(({ id }) => id)).toEqual([late])
    expect(missingOf(letters, silentPages.flat())).toBe(LETTERS)
  },
)
