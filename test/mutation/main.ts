import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { readEvidence, writeEvidence } from '../harness/evidence.js'
import { FOLDERS, type Folder } from './folders.js'
import { startHastyPostgres } from './postgres.js'
import { folderReports, reportOf, scoreOf, sum, type FolderReport, type FolderReports } from './report.js'
import { tryFolder } from './try-folder.js'

const MIN_SCORE = 85
const HELP = `pnpm test:mutation [--folder NAME]... [--concurrency N]

Puts mutants into the sources, one at a time, and runs the suites on each. A mutant that they do not notice survives.
With --folder the other folders keep the report of their last run. Folders: ${FOLDERS.map(({ name }) => name).join(', ')}.`

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Writes what came of each folder. @returns the score of everything that was run */
function writeReports(reports: FolderReports): number {
  const ran = Object.values(reports).filter((other) => other !== 'not run')
  const total = sum(ran)
  const score = scoreOf(total)
  const folders = Object.fromEntries(
    FOLDERS.map((folder) => [folder.name, reports[folder.name] ?? 'not run']),
  )
  writeEvidence('mutation', { command: 'pnpm test:mutation', total: { ...total, score }, folders })
  return score
}

async function reportFolder(folder: Folder, concurrency: number): Promise<FolderReport> {
  const work = mkdtempSync(path.join(os.tmpdir(), 'relay-mutants-'))
  const started = new Date()
  try {
    return reportOf(await tryFolder(folder, concurrency, work), started, new Date())
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      folder: { type: 'string', multiple: true },
      concurrency: { type: 'string', default: '2' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return say(HELP)
  const chosen = FOLDERS.filter(({ name }) => values.folder?.includes(name) ?? true)
  if (chosen.length < (values.folder?.length ?? 0)) throw new Error(`there is no such folder.\n${HELP}`)
  const kept = values.folder ? readEvidence('mutation')['folders'] : undefined
  const reports = folderReports.parse(kept ?? {})
  const postgres = await startHastyPostgres()
  // Stryker's processes take it from here.
  process.env['TEST_DATABASE_URL'] = postgres.url
  try {
    for (const folder of chosen) {
      const report = await reportFolder(folder, Number(values.concurrency))
      reports[folder.name] = report
      const score = writeReports(reports)
      for (const mutant of report.left) say(mutant)
      say(`${folder.name}: ${report.killed} of ${report.mutants} killed, ${report.score} %; all: ${score} %`)
      process.exitCode = score < MIN_SCORE ? 1 : 0
    }
  } finally {
    await postgres.stop()
  }
}

await main()
