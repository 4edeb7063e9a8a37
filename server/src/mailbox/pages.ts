import type { Message, Page } from '@secure-messenger/api'
import { askingAgain } from '../database/faults.js'
import type { Pool } from '../database/pool.js'

/** Which of a mailbox's waiting messages are asked for. */
export interface PageRequest {
  readonly recipientId: string
  readonly limit: number
  /** The page begins beyond this id. */
  readonly after: string | undefined
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

/**
 * A page of one mailbox; $4 is its size in bytes. Large ciphertexts are pointers until the last step: those that the
 * page has no room for are never read.
 */
function pageText(recipientId: string, after: string, limit: string, also = ''): string {
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
  where place <= ${limit} and bytes_before < $4
  order by id`
}

const LIST = pageText('$1', '$2', '$3')
// As a subquery, which is hashed: an array of any values is gone through for each row.
const LIST_EXCEPT = pageText('$1', '$2', '$3', 'and id not in (select unnest($5::uuid[]))')
const LIST_MAILBOXES = `
  select asked.request::int, page.*
  from unnest($1::uuid[], $2::uuid[], $3::int[]) with ordinality as asked(recipient_id, after, most, request)
  cross join lateral (${pageText('asked.recipient_id', 'asked.after', 'asked.most')}) page
  order by asked.request, page.id`

function toPage(rows: readonly PageRow[]): Page {
  // What is not of a message is left out by the output's schema.
  return { messages: [...rows], more: rows.at(-1)?.followed ?? false }
}

/** Reads what waits. A page ends early once it holds `maxBytes`, and is never empty while something waits. */
export class Pages {
  constructor(
    private readonly pool: Pool,
    private readonly maxBytes: number,
  ) {}

  /** One page, asked for again after an error that passes. */
  read(request: PageRequest): Promise<Page> {
    return askingAgain(() => this.readOnce(request))
  }

  /** Pages of several mailboxes by one statement, each for the request in its place. */
  async readEach(requests: readonly PageRequest[]): Promise<Page[]> {
    const [first, ...others] = requests
    if (!first) return []
    if (others.length === 0) return [await this.readOnce(first)]
    const { rows } = await this.pool.query<RowOfMany>({
      name: 'list-mailboxes',
      text: LIST_MAILBOXES,
      values: [
        requests.map(({ recipientId }) => recipientId),
        requests.map(({ after = NIL_ID }) => after),
        requests.map(({ limit }) => limit),
        this.maxBytes,
      ],
    })
    const pages = requests.map((): RowOfMany[] => [])
    for (const row of rows) pages[row.request - 1]?.push(row)
    return pages.map(toPage)
  }

  /** As `read`, but for the messages of those ids. */
  readExcept({ recipientId, after = NIL_ID, limit }: PageRequest, ids: readonly string[]): Promise<Page> {
    return askingAgain(async () => {
      const values = [recipientId, after, limit, this.maxBytes, ids]
      const { rows } = await this.pool.query<PageRow>({ name: 'list-except', text: LIST_EXCEPT, values })
      return toPage(rows)
    })
  }

  private async readOnce({ recipientId, after = NIL_ID, limit }: PageRequest): Promise<Page> {
    const values = [recipientId, after, limit, this.maxBytes]
    const { rows } = await this.pool.query<PageRow>({ name: 'list', text: LIST, values })
    return toPage(rows)
  }
}
