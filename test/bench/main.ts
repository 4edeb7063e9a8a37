// `pnpm bench`: measures this server beside its peers and writes docs/performance.{json,md,svg}. See options.ts.
import { mkdirSync, rmSync } from 'node:fs'
import { startCluster } from './cluster.js'
import { readFigures, writeSections, type Machine } from './document/figures.js'
import { reached, rowsOf } from './document/rows.js'
import { writeDocument } from './document/write.js'
import { describeCommit, describeMachine } from './machine.js'
import { readOptions, UsageError, type Options } from './options.js'
import { installMissing } from './packages.js'
import { takeRound } from './peers/round.js'
import { DATABASES } from './peers/servers.js'
import { measureStarts } from './peers/startup.js'
import { LOGS } from './places.js'
import { Cleanup, endOnSignals, INTERRUPTED } from './processes.js'
import { Gathered } from './results.js'

/** All servers keep their pools while they wait for their turns; packaged are 100. */
const MAX_CONNECTIONS = '200'

async function takeTurns(cleanup: Cleanup, options: Options, results: Gathered): Promise<string> {
  const cluster = await startCluster(cleanup, Object.values(DATABASES), { max_connections: MAX_CONNECTIONS })
  for (let round = 1; round <= options.rounds; round++) {
    console.log(`Round ${round} of ${options.rounds}`)
    await takeRound({ cleanup, cluster, options, results }, round)
  }
  return cluster.version
}

/** Figures of another machine do not stand beside these: its sections go, but for those of other tools. */
function dropForeign(machine: Machine): Record<string, undefined> {
  const before = readFigures().machine
  const same = before && before.cpu === machine.cpu && before.cores === machine.cores
  return !before || same
    ? {}
    : { throughput: undefined, rpc: undefined, bcrypt: undefined, memory: undefined, start: undefined }
}

async function measureAll(cleanup: Cleanup, options: Options): Promise<void> {
  rmSync(LOGS, { recursive: true, force: true })
  mkdirSync(LOGS, { recursive: true })
  await installMissing(cleanup, options.benchDir)
  const commit = await describeCommit(cleanup)
  const stamp = { date: new Date().toISOString(), commit, command: options.command }
  const results = new Gathered()
  if (options.sections.includes('start')) results.starts = await measureStarts(cleanup)
  const inTurns = options.sections.some((name) => name !== 'start')
  const postgres = inTurns ? await takeTurns(cleanup, options, results) : readFigures().machine?.postgres
  const machine = describeMachine(postgres ?? 'not run')
  writeSections({ ...dropForeign(machine), machine, ...results.sections(options, stamp) })
}

function writeReached(): void {
  const rows = rowsOf(readFigures())
  writeSections({
    ratios: rows.map((row) => {
      const { work, unit, better, target, goal, measured } = row
      return { work, unit, better, target, goal, measured: measured ?? 'not run', reached: reached(row) }
    }),
  })
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env)
  const cleanup = new Cleanup()
  endOnSignals(cleanup)
  try {
    if (!options.renderOnly) await measureAll(cleanup, options)
  } finally {
    await cleanup.run()
  }
  writeReached()
  writeDocument()
  console.log('Wrote docs/performance.json, docs/performance.md and docs/performance.svg.')
}

main().catch((error: unknown) => {
  // What was started ends, so what waited for it fails: that was said already.
  if (process.exitCode === INTERRUPTED) return
  console.error(error instanceof UsageError ? error.message : error)
  if (!(error instanceof UsageError)) console.error('The run failed: no figures were written.')
  process.exit(1)
})
