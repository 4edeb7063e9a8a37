import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { REPOSITORY } from '../harness/process.js'
import { FOLDERS, type Folder } from './folders.js'
import { startHastyPostgres } from './postgres.js'
import { reportOf, scoreOf, sum, type FolderReport } from './report.js'
import { tryFolder } from './try-folder.js'

const MIN_SCORE = 85
const EVIDENCE = path.join(REPOSITORY, 'docs/evidence/mutation.json')
const HELP = `pnpm test:mutation [--folder NAME]... [--concurrency N]

Puts mutants into the sources, one at a time, and runs the suites on each. A mutant that they do not notice survives.
With --folder the other folders keep the report of their last run. Folders: ${FOLDERS.map(({ name }) => name).join(', ')}.`

/** By folder, what came of its last run. */
type Reports = Record<string, FolderReport | 'not run'>

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function readReports(): Reports {
  return existsSync(EVIDENCE) ? JSON.parse(readFileSync(EVIDENCE, 'utf8')).folders : {}
}

/** Adds a folder's report to those of the others. @returns the score of everything that was run */
function addReport(name: string, report: FolderReport): number {
  const reports = { ...readReports(), [name]: report }
  const ran = Object.values(reports).filter((other) => other !== 'not run')
  const total = sum(ran)
  const score = scoreOf(total)
  const folders = Object.fromEntries(
    FOLDERS.map((folder) => [folder.name, reports[folder.name] ?? 'not run']),
  )
  const evidence = { command: 'pnpm test:mutation', total: { ...total, score }, folders }
  mkdirSync(path.dirname(EVIDENCE), { recursive: true })
  writeFileSync(EVIDENCE, `${JSON.stringify(evidence, undefined, 2)}\n`)
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
  if (!values.folder) rmSync(EVIDENCE, { force: true })
  const postgres = await startHastyPostgres()
  // Stryker's processes take it from here.
  process.env['TEST_DATABASE_URL'] = postgres.url
  try {
    for (const folder of chosen) {
      const report = await reportFolder(folder, Number(values.concurrency))
      const score = addReport(folder.name, report)
      for (const mutant of report.left) say(mutant)
      say(`${folder.name}: ${report.killed} of ${report.mutants} killed, ${report.score} %; all: ${score} %`)
      process.exitCode = score < MIN_SCORE ? 1 : 0
    }
  } finally {
    await postgres.stop()
  }
}

await main()
