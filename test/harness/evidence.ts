import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { REPOSITORY } from './process.js'

const FOLDER = path.join(REPOSITORY, 'docs/evidence')
const parts = z.record(z.string(), z.unknown())

const fileOf = (name: string): string => path.join(FOLDER, `${name}.json`)

/** What the last run wrote, empty where none did. */
export function readEvidence(name: string): Record<string, unknown> {
  return existsSync(fileOf(name)) ? parts.parse(JSON.parse(readFileSync(fileOf(name), 'utf8'))) : {}
}

/** Writes what a run has shown. @param name - of its file in docs/evidence */
export function writeEvidence(name: string, evidence: Readonly<Record<string, unknown>>): void {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(fileOf(name), `${JSON.stringify(evidence, undefined, 2)}\n`)
}
