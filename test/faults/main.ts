import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeEvidence } from '../harness/evidence.js'
import { FAULTS, type Fault } from './faults.js'
import { Random } from './random.js'
import { runFaults, type Result } from './run.js'

const KINDS = [
  'missing',
  'doubled',
  'unsent',
  'returned',
  'disordered',
  'hung',
  'leaked',
  'complaints',
] as const satisfies (keyof Result)[]
type Kind = (typeof KINDS)[number]
const MINUTE_MS = 60_000
const RIVALRY = 'all instances are given the same at once'
const HELP = `pnpm test:faults [--minutes N] [--seed N] [--rivalry-seconds N]

Lets everything that can go wrong with two instances and their database happen, once each and then at random for as many
minutes (default 2), while people talk; and checks that nothing acknowledged is lost, doubled, returned or out of order,
and that nothing stands in a log, a metric or an error that must not. Instances are given the same requests at once for
so many seconds at a time (default 10). First, servers without a promise show that the checks notice.`

type Named = readonly [string, Fault]

const MAX_TRIES = 8

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function named(name: string): Named {
  const fault = FAULTS[name]
  if (!fault) throw new Error(`there is no fault "${name}"`)
  return [name, fault]
}

/** Servers that lack a promise, what happens to them, and what must be noticed. */
const BITES: readonly { readonly without: string; readonly faults: string[]; readonly kind: Kind }[] = [
  { without: 'flush', faults: ['all instances are killed at once'], kind: 'missing' },
  {
    without: 'repeats',
    faults: ['the network is cut after commits, before their answers', 'all instances are killed at once'],
    kind: 'doubled',
  },
  { without: 'confirming', faults: [], kind: 'returned' },
  { without: 'discretion', faults: [], kind: 'leaked' },
  { without: 'repeats', faults: [RIVALRY], kind: 'complaints' },
  { without: 'order', faults: [RIVALRY], kind: 'complaints' },
]

function* endlessly(random: Random, until: number): Iterable<Named> {
  const names = Object.keys(FAULTS)
  yield* names.map(named)
  while (Date.now() < until) yield named(random.pick(names))
}

function countsOf(result: Result): Record<string, unknown> {
  return { ...result, ...Object.fromEntries(KINDS.map((kind) => [kind, result[kind].length])) }
}

/** @returns how often each lack was noticed */
async function showThatItBites(seed: number): Promise<Record<string, number>> {
  const noticed: Record<string, number> = {}
  for (const { without, faults, kind } of BITES) {
    const program = fileURLToPath(new URL(`without/${without}.mjs`, import.meta.url))
    const result = await runUntilNoticed(seed, faults.map(named), program, kind)
    noticed[`${kind}, without ${without}`] = result
    say(`without ${without}: ${result} ${kind}`)
  }
  return noticed
}

/** What a fault hits is a matter of moments: a try without one order meets a deadlock every other time (4 of 8). */
async function runUntilNoticed(
  seed: number,
  faults: readonly Named[],
  program: string,
  kind: Kind,
): Promise<number> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const options = { seed: seed + attempt, faults, program, rivalrySeconds: 10, say: () => undefined }
    const result = await runFaults(options).catch(() => undefined)
    if (result && result[kind].length > 0) return result[kind].length
  }
  return 0
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      'rivalry-seconds': { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return say(HELP)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
  const minutes = Number(values.minutes ?? 2)
  const rivalrySeconds = Number(values['rivalry-seconds'] ?? 10)
  const startedAt = new Date()
  say(`seed ${seed}`)
  const noticed = await showThatItBites(seed)
  const until = Date.now() + minutes * MINUTE_MS
  const result = await runFaults({ seed, faults: endlessly(new Random(seed), until), rivalrySeconds, say })
  const evidence = {
    command: `pnpm test:faults --minutes ${minutes} --seed ${seed} --rivalry-seconds ${rivalrySeconds}`,
    started: startedAt.toISOString(),
    ended: new Date().toISOString(),
    seed,
    ...countsOf(result),
    'noticed with a promise removed': noticed,
  }
  writeEvidence('faults', evidence)
  const wrong = KINDS.flatMap((kind) => result[kind].map((what) => `${kind}: ${what}`))
  wrong.push(...result.unrecovered.map((name) => `not recovered: ${name}`))
  for (const [what, count] of Object.entries(noticed)) if (count === 0) wrong.push(`not noticed: ${what}`)
  for (const line of wrong.slice(0, 20)) say(line)
  say(
    `${result.acknowledged} acknowledged in ${result.requests} requests, ${result.kills} kills: ${wrong.length} faults`,
  )
  if (wrong.length > 0 || result.acknowledged === 0) process.exitCode = 1
}

await main()
