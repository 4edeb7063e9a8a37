import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { REPOSITORY } from '../harness/process.js'

const FILE = path.join(REPOSITORY, 'docs/evidence/disk.json')
const COMMAND = 'pnpm test:disk'
const parts = z.record(z.string(), z.unknown())

/** Writes what one part of a run has shown; the other parts stay as they were. */
export function record(part: string, figures: Record<string, unknown>): void {
  const kept = existsSync(FILE) ? parts.parse(JSON.parse(readFileSync(FILE, 'utf8'))) : {}
  mkdirSync(path.dirname(FILE), { recursive: true })
  writeFileSync(FILE, `${JSON.stringify({ ...kept, command: COMMAND, [part]: figures }, undefined, 2)}\n`)
}
