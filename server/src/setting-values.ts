import { readFileSync, statfsSync } from 'node:fs'
import type { Budget, Cap } from '@secure-messenger/api'
import cron from 'node-cron'
import { z } from 'zod'
import { parseNetworks } from './networks.js'

// How the values of settings are read; which settings there are stands in config.ts.

export const MIN_SECRET_BYTES = 32

export const booleanText = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((value) => value === 'true')

export function wholeNumber(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be ${min} to ${max}`)
}

export const secret = z
  .string()
  .refine(
    (value) => Buffer.byteLength(value, 'utf8') >= MIN_SECRET_BYTES,
    'must have at least 32 bytes; `openssl rand -base64 48` makes a good one',
  )

export const budget = z.string().transform((value, context): Budget => {
  if (value === 'off') return 'off'
  const [, count, seconds] = /^(\d{1,9})\/(\d{1,6})$/.exec(value) ?? []
  if (Number(count) >= 1 && Number(seconds) >= 1)
    return { count: Number(count), windowSeconds: Number(seconds) }
  context.addIssue('must be count/seconds, such as 20/3600, or off')
  return z.NEVER
})

export const cap = z.string().transform((value, context): Cap => {
  if (value === 'off') return 'off'
  if (/^\d{1,15}$/.test(value) && Number(value) >= 1) return Number(value)
  context.addIssue('must be a whole number from 1, or off')
  return z.NEVER
})

/** One URL for each host that it names, `a:5432,b:5433`, as PostgreSQL's own clients have it. */
export const databaseUrls = z.string().transform((value, context) => {
  const [, start = '', hosts = '', end = ''] =
    /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(value) ?? []
  const urls = hosts.split(',').map((host) => `${start}${host}${end}`)
  if (!start || !urls.every((url) => URL.canParse(url))) context.addIssue('must be a postgresql:// URL')
  else if (urls.length > 1 && urls.some((url) => !new URL(url).hostname))
    context.addIssue('must name each of its hosts, such as postgresql://user:password@a:5432,b:5432/name')
  else if (urls.length > 1 && /[?&](host|port)=/.test(end))
    context.addIssue('must name its hosts before the path or after the ?, not both')
  return urls
})

export const redisUrl = z
  .string()
  .refine((url) => /^rediss?:\/\//.test(url) && URL.canParse(url), 'must be a redis:// or rediss:// URL')

export const origins = z.string().transform((value, context) => {
  const list = value
    .split(',')
    .map((origin) => origin.trim())
    .filter(Boolean)
  for (const origin of list) {
    if (origin === '*') context.addIssue('must name its origins: * would let every site in')
    else if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      context.addIssue(`must hold origins such as https://chat.example, comma-separated, without a path`)
  }
  return list
})

export const networks = z.string().transform((value, context) => {
  const parsed = parseNetworks(value)
  if (parsed) return parsed
  context.addIssue('must be a comma-separated list of addresses or CIDR networks')
  return z.NEVER
})

export const proxies = z.string().transform((value, context) => {
  if (/^\d{1,2}$/.test(value)) return { hops: Number(value) }
  const parsed = parseNetworks(value)
  if (parsed) return { networks: parsed }
  context.addIssue('must be the number of proxies in front, or a comma-separated list of their CIDR networks')
  return z.NEVER
})

export function contentsOfFile() {
  return z.string().transform((path, context) => {
    try {
      return readFileSync(path)
    } catch {
      context.addIssue('must name a file that this process may read')
      return z.NEVER
    }
  })
}

function isOnDisk(folder: string): boolean {
  try {
    return statfsSync(folder).bsize > 0
  } catch {
    return false
  }
}

export const folders = z
  .string()
  .transform((value) => value.split(',').map((folder) => folder.trim()))
  .refine(
    (list) => list.every(isOnDisk),
    'must name folders of this machine that this process may look at, comma-separated',
  )

export const schedule = z
  .string()
  .refine((value) => cron.validate(value), 'must be a cron expression, such as * * * * *')
