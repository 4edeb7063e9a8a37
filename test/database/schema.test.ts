import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { REPOSITORY } from '../harness/process.js'
import { useRelay } from '../harness/relay.js'

const relay = useRelay()

test("the migrations make what Prisma's schema says", async () => {
  const schema = readFileSync(path.join(REPOSITORY, 'prisma/schema.prisma'), 'utf8')
  const columns = await relay.sql<{ table_name: string; column_name: string; is_nullable: string }>(
    `select table_name, column_name, is_nullable from information_schema.columns
      where table_schema = 'public' and table_name in ('users', 'public_keys', 'messages', 'epoch')`,
  )
  const models = schema.split(/^model /m).slice(1)
  const modelled = models.flatMap((model) => {
    const table = /@@map\("(\w+)"\)/.exec(model)?.[1]
    const fields = model
      .split('\n')
      .filter((line) => /^ {2}\w+ +(String|Int|BigInt|Boolean|DateTime|Bytes)\b/.test(line))
    return fields.map((line) => {
      const [name = '', type = ''] = line.trim().split(/ +/)
      return `${table}.${/@map\("(\w+)"\)/.exec(line)?.[1] ?? name} ${type.endsWith('?') ? 'YES' : 'NO'}`
    })
  })
  const made = columns.map((column) => `${column.table_name}.${column.column_name} ${column.is_nullable}`)
  expect(made.toSorted()).toEqual(modelled.toSorted())
})

test('relay_message_id(at, place) is a version 7 UUID of that time, in order of time, then of place', async () => {
  const rows = await relay.sql<{ id: string }>(
    `select relay_message_id('2026-01-31 12:00:00.123456+00'::timestamptz + microsecond * interval '1 microsecond', place)::text as id
      from generate_series(0, 3) microsecond, generate_series(0, 63) place order by microsecond, place`,
  )
  const ids = rows.map(({ id }) => id)
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(parseInt(id.slice(0, 13).replace('-', ''), 16)).toBe(Date.parse('2026-01-31T12:00:00.123Z'))
  }
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
})

describe('relay_message_id()', () => {
  test("makes version 7 UUIDs of the database's clock, in order down to the microsecond", async () => {
    const rows = await relay.sql<{ id: string; before: string; after: string }>(
      `select relay_message_id()::text as id,
        floor(extract(epoch from clock_timestamp()) * 1000)::text as before,
        (select floor(extract(epoch from clock_timestamp()) * 1000)::text from pg_sleep(0.0001)) as after
        from generate_series(1, 500)`,
    )
    for (const { id, before } of rows) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      const milliseconds = parseInt(id.slice(0, 13).replace('-', ''), 16)
      expect(Math.abs(milliseconds - Number(before))).toBeLessThan(1000)
    }
    const ids: string[] = []
    for (let i = 0; i < 300; i += 1) {
      const [row] = await relay.sql<{ id: string }>('select relay_message_id()::text as id')
      ids.push(String(row?.id))
    }
    expect(ids.toSorted()).toEqual(ids)
  })
})

test('a row that names nobody is refused by the database itself', async () => {
  const orphan = `insert into messages (recipient_id, sender_id, client_message_id, ciphertext_hash, expires_at, forget_at)
    values ($1, $1, $1, '\\x00', now(), now())`
  await expect(relay.sql(orphan, [randomUUID()])).rejects.toThrow(/foreign key/)
})
