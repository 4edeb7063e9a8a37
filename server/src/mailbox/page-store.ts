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

interface PageRow extends Message {
  /** Another message waits behind this one. */
  readonly followed: boolean
}

interface RowOfMany extends PageRow {
  /** Which of the requests it answers, from 1. */
  readonly request: number
}

const NIL_ID = '00000000-0000-0000-0000-000000000000'

/** Large ciphertexts are pointers until the last step: those that the page has no room for are never read. */
function pageText(
  [recipientId, after, limit, maxBytes]: readonly [string, string, string, string],
  also = '',
): string {
  return `
  select id, sender_id, ciphertext, created_at, expires_at, followed
  from (
    select *, row_number() over mailbox as place, lead(true, 1, false) over mailbox as followed,
      sum(octet_length(ciphertext)) over (mailbox rows unbounded preceding) - octet_length(ciphertext) as bytes_before
    from (
      select id, sender_id, ciphertext, created_at, expires_at from messages
      where recipient_id = ${recipientId} and delivered_at is null and expires_at > now() and id > ${after} ${also}
      order by id limit ${limit} + 1
    ) waiting
    window mailbox as (order by id)
  ) page
  where place <= ${limit} and bytes_before < ${maxBytes}
  order by id`
}

const PARAMETERS = ['$1', '$2', '$3', '$4'] as const
const LIST = pageText(PARAMETERS)
// As a subquery, which is hashed: an array of any values is gone through for each row.
const LIST_EXCEPT = pageText(PARAMETERS, 'and id not in (select unnest($5::uuid[]))')
const LIST_MAILBOXES = `
  select asked.request::int, page.*
  from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[]) with ordinality
    as asked(recipient_id, after, most, most_bytes, request)
  cross join lateral (${pageText(['asked.recipient_id', 'asked.after', 'asked.most', 'asked.most_bytes'])}) page
  order by asked.request, page.id`

function toPage(rows: PageRow[]): Page {
  // What is not of a message is left out by the output's schema.
  return { messages: rows, more: rows.at(-1)?.followed ?? false }
}

function valuesOf({ recipientId, after = NIL_ID, limit, maxBytes }: PageRequest): unknown[] {
  return [recipientId, after, limit, maxBytes]
}

/** Reads what waits. A page is never empty while something waits, however large that is. */
export class PageStore {
  constructor(private readonly pool: Pool) {}

  /** One page, without the messages of some ids; asked for again after an error that passes. */
  read(request: PageRequest, except: readonly string[] = []): Promise<Page> {
    if (except.length === 0) return askingAgain(() => this.readOne(request))
    return askingAgain(async () => {
      const values = [...valuesOf(request), except]
      const { rows } = await this.pool.query<PageRow>({ name: 'list-except', text: LIST_EXCEPT, values })
      return toPage(rows)
    })
  }

  /** Pages of several mailboxes by one statement, each for the request in its place. */
  async readEach(requests: readonly PageRequest[]): Promise<Page[]> {
    const [first, ...others] = requests
    if (first && others.length === 0) return [await this.readOne(first)]
    const all = requests.map(valuesOf)
    const values = PARAMETERS.map((_, at) => all.map((some) => some[at]))
    const { rows } = await this.pool.query<RowOfMany>({
      name: 'list-mailboxes',
      text: LIST_MAILBOXES,
      values,
    })
    const pages = requests.map((): RowOfMany[] => [])
    for (const row of rows) pages[row.request - 1]?.push(row)
    return pages.map(toPage)
  }

  private async readOne(request: PageRequest): Promise<Page> {
    const { rows } = await this.pool.query<PageRow>({ name: 'list', text: LIST, values: valuesOf(request) })
    return toPage(rows)
  }
}
