import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeEvidence } from '../harness/evidence.js'
import { REPOSITORY } from '../harness/process.js'
import { judge } from './flatness.js'
import { renderSoak } from './plot.js'
import { soak, type Soaked } from './soak.js'

const HELP = `pnpm test:soak [--minutes 20] [--seed N]

Sixty people talk through two instances as a thousand do in a week, messages live a minute and their records half of one,
and every minute an instance or PostgreSQL is killed. Memory, handles, connections, rows and bytes must stay flat, and
nothing may be lost. First, a server that does not purge shows that the checks notice.`

/** Five minutes in: by then what is to be flat is. */
const BITE_MINUTES = 5
const WITHOUT_PURGE = fileURLToPath(new URL('without/purge.mjs', import.meta.url))

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function wrongOf({ samples, faults }: Soaked): string[] {
  const courses = Object.entries(judge(samples)).filter(([, { flat }]) => !flat)
  return [
    ...courses.map(([quantity, { middle, end }]) => `${quantity} grew from ${middle} to ${end}`),
    ...Object.entries(faults).flatMap(([kind, found]) =>
      found.length > 0 ? [`${found.length} ${kind}`] : [],
    ),
  ]
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help) return say(HELP)
  const minutes = Number(values.minutes ?? 20)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
  const started = new Date().toISOString()
  say(`seed ${seed}; first ${BITE_MINUTES} minutes without purge`)
  const unpurged = await soak({ minutes: BITE_MINUTES, seed, program: WITHOUT_PURGE, say })
  const noticed = wrongOf(unpurged)
  say(noticed.join('; '))
  const soaked = await soak({ minutes, seed, say })
  const wrong = wrongOf(soaked)
  const { samples, killedAtSeconds, faults, requests, acknowledged, kills } = soaked
  const evidence = {
    command: `pnpm test:soak --minutes ${minutes} --seed ${seed}`,
    started,
    ended: new Date().toISOString(),
    seed,
    kills,
    requests,
    acknowledged,
    ...Object.fromEntries(Object.entries(faults).map(([kind, found]) => [kind, found.length])),
    held: judge(samples),
    samples: samples.length,
    'noticed without purge': noticed,
  }
  writeEvidence('soak', evidence)
  writeFileSync(path.join(REPOSITORY, 'docs/soak.svg'), renderSoak(samples, killedAtSeconds))
  if (!noticed.some((what) => what.startsWith('rows')))
    wrong.push('a server that does not purge was not noticed')
  for (const line of wrong) say(line)
  say(`${acknowledged} acknowledged in ${requests} requests, ${kills} kills: ${wrong.length} faults`)
  if (wrong.length > 0) process.exitCode = 1
}

await main()
