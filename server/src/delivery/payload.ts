import { delivered } from '@secure-messenger/api'
import { z } from 'zod'
import type { DeliveredTo, News } from './hub.js'

/** NOTIFY takes 8,000 bytes: 200 ids and their commas and quotes are 7,800. */
const IDS_EACH = 200
/** A confirmation with its names and times is 200 bytes. */
const DELIVERED_EACH = 35

const payload = z.object({
  /** The instance that says it; it told its own listeners already. */
  from: z.string(),
  wake: z.array(z.string()).default([]),
  delivered: z.array(z.object({ to: z.string(), what: delivered })).default([]),
  /** Something was left out: everybody is to look again. */
  all: z.boolean().default(false),
})

export interface Heard extends News {
  readonly from: string
  readonly all: boolean
}

function* slices<T>(items: readonly T[], length: number): Iterable<T[]> {
  for (let at = 0; at < items.length; at += length) yield items.slice(at, at + length)
}

/** News as texts that each fit into a notification. */
export function encodeNews(from: string, { wake, delivered: confirmed }: News): string[] {
  const texts: string[] = []
  for (const ids of slices(wake, IDS_EACH)) texts.push(JSON.stringify({ from, wake: ids }))
  for (const some of slices(confirmed, DELIVERED_EACH)) {
    const told = some.map(({ senderId, delivered: what }) => ({ to: senderId, what }))
    texts.push(JSON.stringify({ from, delivered: told }))
  }
  return texts
}

/** Says that the instance is there, and where it lacks something to say, that something may have been missed. */
export function encodePresence(from: string, all: boolean): string {
  return JSON.stringify({ from, all })
}

/** @returns undefined for what no instance of this version said */
export function decodeNews(text: string): Heard | undefined {
  try {
    const { data } = payload.safeParse(JSON.parse(text))
    if (!data) return undefined
    const told = data.delivered.map(({ to, what }): DeliveredTo => ({ senderId: to, delivered: what }))
    return { from: data.from, wake: data.wake, delivered: told, all: data.all }
  } catch {
    return undefined
  }
}
