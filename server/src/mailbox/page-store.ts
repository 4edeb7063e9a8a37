import type { Message, Page } from '@secure-messenger/api'
import { askingAgain } from '../database/faults.js'
import type { Pool } from '../database/pool.js'

/** Which of a mailbox's waiting messages are asked for. */
export interface PageRequest {
  readonly recipientId: string
  readonly limit: number
  /** The page begins beyond this id. */
  readonly after: string | undefined
  /** The page ends early once it holds so much ciphertext. */
  readonly maxBytes: number
}

interface MeasuredRow extends Message {
  /** Another message waits behind this one. */
  readonly followed: boolean
}

interface SmallRow extends Omit<Message, 'ciphertext'> {
  /** Nothing where it is larger than a page's share. */
  readonly ciphertext: string | null
}

interface RowOfMany extends SmallRow {
  /** Which of the requests it answers, from 1. */
  readonly request: number
}

const NIL_ID = '00000000-0000-0000-0000-000000000000'
const PARAMETERS = ['$1', '$2', '$3'] as const

function waitingText([recipientId, after, limit]: readonly string[], ciphertext: string, also = ''): string {
  return `
  select id, sender_id, ${ciphertext}, created_at, expires_at from messages
  where recipient_id = ${recipientId} and delivered_at is null and expires_at > now() and id > ${after} ${also}
  order by id limit ${limit} + 1`
}

/** Of messages each of which is no larger than a page's bytes divided by their number, the page needs no measuring. */
function smallText(place: readonly [string, string, string], shareBytes: string): string {
  return waitingText(
    place,
    `case when octet_length(ciphertext) <= ${shareBytes} then ciphertext end as ciphertext`,
  )
}

/**
 * A page that ends by its size. Large ciphertexts are pointers until the last step: those that the page has no room
 * for are never read. Its windows take as long as everything else together.
 */
function measuredText(also = ''): string {
  return `
  select id, sender_id, ciphertext, created_at, expires_at, followed
  from (
    select *, row_number() over mailbox as place, lead(true, 1, false) over mailbox as followed,
      sum(octet_length(ciphertext)) over (mailbox rows unbounded preceding) - octet_length(ciphertext) as bytes_before
    from (${waitingText(PARAMETERS, 'ciphertext', also)}) waiting
    window mailbox as (order by id)
  ) page
  where place <= $3 and bytes_before < $4
  order by id`
}

const LIST = smallText(PARAMETERS, '$4')
const LIST_MAILBOXES = `
  select asked.request::int, page.*
  from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) with ordinality
    as asked(recipient_id, after, most, share_bytes, request)
  cross join lateral (${smallText(['asked.recipient_id', 'asked.after', 'asked.most'], 'asked.share_bytes')}) page
  order by asked.request, page.id`
const LIST_MEASURED = measuredText()
// As a subquery, which is hashed: an array of any values is gone through for each row.
const LIST_EXCEPT = measuredText('and id not in (select unnest($5::uuid[]))')

function toMeasuredPage(rows: MeasuredRow[]): Page {
  // What is not of a message is left out by the output's schema.
  return { messages: rows, more: rows.at(-1)?.followed ?? false }
}

function isRead(row: SmallRow): row is Message {
  return row.ciphertext !== null
}

/** @returns nothing where one of the messages is large */
function toPageOfSmall(rows: SmallRow[], limit: number): Page | undefined {
  const messages = rows.slice(0, limit)
  return messages.every(isRead) ? { messages, more: rows.length > limit } : undefined
}

function valuesOf({ recipientId, after = NIL_ID, limit }: PageRequest, bytes: number): unknown[] {
  return [recipientId, after, limit, bytes]
}

/** Reads what waits. A page is never empty while something waits, however large that is. */
export class PageStore {
  constructor(private readonly pool: Pool) {}

  /** One page, without the messages of some ids; asked for again after an error that passes. */
  read(request: PageRequest, except: readonly string[] = []): Promise<Page> {
    if (except.length === 0) return askingAgain(() => this.readMeasured(request))
    return askingAgain(async () => {
      const values = [...valuesOf(request, request.maxBytes), except]
      const { rows } = await this.pool.query<MeasuredRow>({ name: 'list-except', text: LIST_EXCEPT, values })
      return toMeasuredPage(rows)
    })
  }

  /** Pages of several mailboxes, each for the request in its place: by one statement where no message is large. */
  async readEach(requests: readonly PageRequest[]): Promise<Page[]> {
    const rowsOfEach = await this.readSmall(requests)
    const pages: Page[] = []
    for (const [at, request] of requests.entries())
      pages.push(toPageOfSmall(rowsOfEach[at] ?? [], request.limit) ?? (await this.readMeasured(request)))
    return pages
  }

  private async readSmall(requests: readonly PageRequest[]): Promise<SmallRow[][]> {
    const all = requests.map((request) => valuesOf(request, Math.floor(request.maxBytes / request.limit)))
    const [first, ...others] = all
    if (first && others.length === 0) {
      const { rows } = await this.pool.query<SmallRow>({ name: 'list', text: LIST, values: first })
      return [rows]
    }
    const values = (first ?? []).map((_, at) => all.map((some) => some[at]))
    const { rows } = await this.pool.query<RowOfMany>({
      name: 'list-mailboxes',
      text: LIST_MAILBOXES,
      values,
    })
    const rowsOfEach = requests.map((): SmallRow[] => [])
    for (const row of rows) rowsOfEach[row.request - 1]?.push(row)
    return rowsOfEach
  }

  private async readMeasured(request: PageRequest): Promise<Page> {
    const { rows } = await this.pool.query<MeasuredRow>({
      name: 'list-measured',
      text: LIST_MEASURED,
      values: valuesOf(request, request.maxBytes),
    })
    return toMeasuredPage(rows)
  }
}
