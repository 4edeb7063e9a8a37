import type { MessageStatus, Receipt } from '@secure-messenger/api'
import type { Pool } from '../database/pool.js'
import { askingAgain } from '../database/faults.js'
import { keyOf, type Draft } from './draft.js'

interface SentRow {
  readonly id: string
  readonly recipient_id: string
  readonly sender_id: string
  readonly client_message_id: string
  readonly created_at: string
  readonly expires_at: string
}

interface KeptRow extends SentRow {
  readonly ciphertext_hash: Buffer
  readonly awaits_standby: boolean
}

/** A kept message under the key that its sender chose. */
export interface Kept {
  readonly key: string
  /** SHA-256 of the ciphertext, which it outlives, to tell a retry from another message. */
  readonly hash: Buffer
  readonly receipt: Receipt
}

/** Waiting messages of one sender in one mailbox. */
export interface Waiting {
  readonly recipientId: string
  readonly senderId: string
  readonly messages: number
  readonly bytes: number
}

export interface ConfirmedRow {
  readonly recipient_id: string
  readonly id: string
  readonly sender_id: string
  readonly delivered_at: string
  /** It was not confirmed before. */
  readonly first: boolean
}

interface StatusRow {
  readonly delivered_at: string | null
  readonly expired: boolean
}

function toReceipt(row: SentRow): Receipt {
  return {
    id: row.id,
    recipient_id: row.recipient_id,
    created_at: row.created_at,
    expires_at: row.expires_at,
  }
}

function toStatus(id: string, { delivered_at, expired }: StatusRow): MessageStatus {
  if (delivered_at) return { id, status: 'delivered', delivered_at }
  return { id, status: expired ? 'expired' : 'pending' }
}

/**
 * A batch's rows have one time, and their places in it order their ids: sorted as they are locked. The hashes are
 * PostgreSQL's work: this server's one thread is what limits.
 */
function insertText(rows: number): string {
  const tuples = Array.from({ length: rows }, (_, row) => {
    const [recipient, sender, key, ciphertext] = [2, 3, 4, 5].map((at) => `$${row * 4 + at}`)
    return (
      `(relay_message_id(now(), ${row}), ` +
      `${recipient}::uuid, ${sender}::uuid, ${key}::uuid, ${ciphertext}::text, sha256(convert_to(${ciphertext}::text, 'UTF8')), ` +
      `now() + make_interval(secs => $1), now() + make_interval(secs => $1) + interval '24 hours')`
    )
  })
  return `insert into messages
      (id, recipient_id, sender_id, client_message_id, ciphertext, ciphertext_hash, expires_at, forget_at)
    values ${tuples.join(', ')}
    on conflict (recipient_id, sender_id, client_message_id) do nothing
    returning id, recipient_id, sender_id, client_message_id, created_at, expires_at`
}

// The time is read once, in FROM: functions inside COALESCE would be evaluated per node of a cluster.
const CONFIRM_SET = `
  update messages m set
    delivered_at = coalesce(m.delivered_at, t.at),
    forget_at = case when m.delivered_at is null then t.at + interval '24 hours' else m.forget_at end,
    ciphertext = null`
const CONFIRMABLE = `(m.delivered_at is not null or m.expires_at > t.at) and m.forget_at > t.at`

// Times are kept in milliseconds.
const CONFIRMED =
  'returning m.recipient_id, m.id, m.sender_id, m.delivered_at, m.delivered_at = t.at::timestamptz(3) as first'

const CONFIRM_ONE_MAILBOX = `${CONFIRM_SET}
  from (select now() as at) t
  where m.recipient_id = $1 and m.id = any($2::uuid[]) and ${CONFIRMABLE}
  ${CONFIRMED}`

const CONFIRM_MAILBOXES = `${CONFIRM_SET}
  from (select now() as at) t, unnest($1::uuid[], $2::uuid[]) u(recipient_id, id)
  where m.recipient_id = u.recipient_id and m.id = u.id and m.recipient_id = any($1) and ${CONFIRMABLE}
  ${CONFIRMED}`

/** Messages in the database. Every statement stands alone, names its mailbox, and carries its own authorisation. */
export class MailboxStore {
  /** By the number of rows: written once each, for the driver compares a named statement's text at every call. */
  private readonly insertTexts = new Map<number, string>()

  constructor(
    private readonly pool: Pool,
    private readonly messageLifeSeconds: number,
  ) {}

  private insertTextFor(rows: number): string {
    const text = this.insertTexts.get(rows) ?? insertText(rows)
    this.insertTexts.set(rows, text)
    return text
  }

  /** Which of the ids are accounts. */
  async findAccounts(ids: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.pool.query<{ id: string }>({
      name: 'find-accounts',
      text: 'select id from users where id = any($1::uuid[])',
      values: [ids],
    })
    return new Set(rows.map(({ id }) => id))
  }

  /** What waits in the mailboxes, by sender. */
  async countWaiting(recipientIds: readonly string[]): Promise<Waiting[]> {
    const { rows } = await this.pool.query<{
      recipient_id: string
      sender_id: string
      messages: string
      bytes: string
    }>({
      name: 'count-waiting',
      text: `select recipient_id, sender_id, count(*) as messages, sum(octet_length(ciphertext)) as bytes from messages
        where recipient_id = any($1::uuid[]) and delivered_at is null and expires_at > now() group by 1, 2`,
      values: [recipientIds],
    })
    return rows.map((row) => ({
      recipientId: row.recipient_id,
      senderId: row.sender_id,
      messages: Number(row.messages),
      bytes: Number(row.bytes),
    }))
  }

  /** Keeps the drafts whose keys are new; committed when it returns. @returns receipts by key */
  async insert(drafts: readonly Draft[]): Promise<Map<string, Receipt>> {
    const { rows } = await this.pool.query<SentRow>({
      name: `insert-${drafts.length}`,
      text: this.insertTextFor(drafts.length),
      values: [
        this.messageLifeSeconds,
        ...drafts.flatMap((d) => [d.recipientId, d.senderId, d.clientMessageId, d.ciphertext]),
      ],
    })
    return new Map(
      rows.map((row) => [keyOf(row.recipient_id, row.sender_id, row.client_message_id), toReceipt(row)]),
    )
  }

  /**
   * The messages that were kept under the drafts' keys before. Where commits wait for a standby, one may be there whose
   * wait was cut short and that a failover would lose: to lock it is a write, and so waits for the standby in its turn.
   */
  async findKept(drafts: readonly Draft[]): Promise<Kept[]> {
    const found = await this.readKept(drafts)
    const rows = found.some(({ awaits_standby }) => awaits_standby)
      ? // The weakest lock: it hinders no confirmation.
        await this.readKept(drafts, 'for key share')
      : found
    return rows.map((row) => ({
      key: keyOf(row.recipient_id, row.sender_id, row.client_message_id),
      hash: row.ciphertext_hash,
      receipt: toReceipt(row),
    }))
  }

  private async readKept(drafts: readonly Draft[], lock = ''): Promise<KeptRow[]> {
    const tuples = drafts.map(
      (_, row) => `($${row * 3 + 1}::uuid, $${row * 3 + 2}::uuid, $${row * 3 + 3}::uuid)`,
    )
    const { rows } = await this.pool.query<KeptRow>(
      `select id, recipient_id, sender_id, client_message_id, ciphertext_hash, created_at, expires_at,
          current_setting('synchronous_standby_names') <> '' as awaits_standby from messages
        where (recipient_id, sender_id, client_message_id) in (${tuples.join(', ')}) ${lock}`,
      drafts.flatMap((d) => [d.recipientId, d.senderId, d.clientMessageId]),
    )
    return rows
  }

  /** Confirms messages, each in its own mailbox; those confirmed before are answered too, with their first time. */
  async confirm(recipientIds: readonly string[], ids: readonly string[]): Promise<ConfirmedRow[]> {
    const [first] = recipientIds
    const single = recipientIds.every((recipientId) => recipientId === first)
    const { rows } = await this.pool.query<ConfirmedRow>(
      single
        ? { name: 'confirm-one-mailbox', text: CONFIRM_ONE_MAILBOX, values: [first, ids] }
        : { name: 'confirm-mailboxes', text: CONFIRM_MAILBOXES, values: [recipientIds, ids] },
    )
    return rows
  }

  /** What became of a message, for its sender alone. */
  async findStatus(senderId: string, recipientId: string, id: string): Promise<MessageStatus | undefined> {
    const { rows } = await askingAgain(() =>
      this.pool.query<StatusRow>({
        name: 'status',
        text: `select delivered_at, expires_at <= now() as expired from messages
          where recipient_id = $1 and id = $2 and sender_id = $3 and forget_at > now()`,
        values: [recipientId, id, senderId],
      }),
    )
    return rows[0] && toStatus(id, rows[0])
  }
}
