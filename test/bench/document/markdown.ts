import { shown, shownSpread, spreadOf } from '../numbers.js'
import { DOOR_TURNS, PEERS } from '../options.js'
import { WORKS, type BcryptRound, type Figures, type Point, type Round, type Stamp } from './figures.js'
import { renderGrowth } from './growth.js'
import { renderLive } from './live.js'
import { medianOf, reached, rowsOf, type Row } from './rows.js'
import { table } from './table.js'

const COMMANDS = `\`\`\`sh
BENCH_DIR=<folder of the peers> pnpm bench    # everything; PostgreSQL and the peers are installed where missing
pnpm bench                                    # this server and pgbench alone
pnpm bench --only start                       # one section; of throughput, rpc, bcrypt, memory, start
pnpm bench --render                           # this page again, from performance.json
\`\`\``

const METHOD = `Server, PostgreSQL and load generator share one machine's cores. PostgreSQL 15 runs as packaged but for
\`max_connections=200\`, on disk, with \`fsync\`, \`full_page_writes\` and \`synchronous_commit\` on, in a cluster of
the run's own. In each round all servers run, each with a database of its own that holds 20,000 delivered messages of
a week when the round begins, vacuumed, analyzed and checkpointed, and each is warm: the same work went to it
unmeasured first, a second at each count of clients. Then the peers take turns, work by work, one at a time, every
other round in the opposite order; the others idle. The speed of a machine that others share changes within minutes,
and what is divided by each other is measured half a minute apart. This server runs as in production
(\`NODE_ENV=production\`, started as the image starts it, the default log to a file) with \`LIMITS=off\` and
\`FORCE_HTTPS=false\`; nothing else is loosened. A ciphertext has 1,024 characters. A ratio is taken within a round
and its median over the rounds is what counts; minimum and maximum stand behind it. Absolute figures belong to the
machine and the hour. Every answer was a 2xx, every message was listed as it was sent, to whom it was sent, and
confirmed once: a run with one fault writes nothing.`

function whence(stamp: Stamp | undefined): string {
  if (!stamp) return 'not run'
  return `${stamp.date.slice(0, 16).replace('T', ' ')} UTC, commit \`${stamp.commit}\`, \`${stamp.command}\``
}

function renderMachine({ machine }: Figures): string {
  if (!machine) return 'Machine: not run.'
  const { cpu, cores, memory_gib, system, kernel, node, postgres } = machine
  return `Machine: ${cores} cores (${cpu}), ${shown(memory_gib)} GiB, ${system}, kernel ${kernel}, Node ${node}, PostgreSQL ${postgres}.`
}

function limitText(value: number, { better, unit }: Row): string {
  return `${better === 'more' ? '' : 'at most '}${value} ${unit}`
}

function goalText(row: Row): string {
  if (row.otherGoal)
    return `${row.otherGoal.text}: ${shownSpread(row.otherGoal.measured)} ×`.replace('not run ×', 'not run')
  return row.goal === undefined ? '' : limitText(row.goal, row)
}

const REACHED = { goal: 'yes, and the goal', target: 'yes', no: 'no', 'not run': 'not run' } as const

function renderRows(figures: Figures): string {
  const rows = rowsOf(figures).map((row) => [
    row.work,
    limitText(row.target, row),
    goalText(row),
    row.measured ? `**${shownSpread(row.measured)}**` : 'not run',
    REACHED[reached(row)],
  ])
  return table(['work', 'to reach', 'the goal beyond', 'measured: median (min–max)', 'reached'], rows)
}

function field(rounds: readonly Round[], name: keyof Round): string {
  const value = medianOf(rounds, name)
  return value === undefined ? '–' : shown(value)
}

function renderPoint({ peer, work, concurrency, rounds }: Point): string[] {
  return [
    work,
    String(concurrency),
    peer === 'relay' ? '**this server**' : peer,
    shownSpread(spreadOf(rounds.map(({ per_s }) => per_s))),
    ...(['p50_ms', 'p99_ms', 'cpu_server', 'cpu_postgres', 'cpu_load', 'cpu_others', 'rss_mib'] as const).map(
      (name) => field(rounds, name),
    ),
  ]
}

/** Peers that do the same side by side. */
function inOrder(a: Point, b: Point): number {
  const place = (point: Point): number => PEERS.indexOf(point.peer)
  return WORKS.indexOf(a.work) - WORKS.indexOf(b.work) || a.concurrency - b.concurrency || place(a) - place(b)
}

/** Cores; above, a round says less about its peer. */
const DISTURBED = 0.25

function renderDisturbance(points: readonly Point[]): string {
  const seen = points.flatMap(({ rounds }) => rounds.flatMap(({ cpu_others }) => cpu_others ?? []))
  const disturbed = seen.filter((cores) => cores > DISTURBED)
  const most = disturbed.length > 0 ? `, ${shown(Math.max(...disturbed))} at most` : ''
  return `Other programs used more than ${DISTURBED} cores in ${disturbed.length} of ${seen.length} measured windows${most}.`
}

function renderThroughput({ throughput }: Figures): string {
  if (!throughput) return 'Absolute figures of the peers: not run.'
  const { points, integrity, rounds, seconds, generator } = throughput
  const head = [
    'work',
    'at once',
    'peer',
    'per second',
    'p50 ms',
    'p99 ms',
    'cores: server',
    'PostgreSQL',
    'load',
    'others',
    'RSS MiB',
  ]
  const checked = integrity.map(({ peer, sent }) => `${peer} ${sent.toLocaleString('en-US')}`)
  return [
    `${whence(throughput)}: rounds of ${seconds} s each: ${rounds}. Per second: median (min–max); the rest are medians.`,
    generator === 'load.mjs'
      ? "The load came from the peers' own generator, `load.mjs`, which measures a point again when others used more than a quarter of a core meanwhile; RSS is of all processes of a server."
      : '**Left out:** FastAPI, its lean variant, the bare Node server, and with them all ratios to FastAPI: BENCH_DIR named no folder of theirs. The load came from the generator in `test/bench/load`.',
    '',
    table(head, points.toSorted(inOrder).map(renderPoint)),
    '',
    `Messages sent, listed as sent, and confirmed: ${checked.join('; ') || 'not run'}; no faults. ${renderDisturbance(points)}`,
  ].join('\n')
}

function renderRpc({ rpc }: Figures): string {
  if (!rpc) return 'Sends over the two doors: not run.'
  const rows = rpc.points.map(({ concurrency, rest_per_s, rpc_per_s }) => [
    String(concurrency),
    shownSpread(spreadOf(rest_per_s)),
    shownSpread(spreadOf(rpc_per_s)),
  ])
  return [
    `Sends over the two doors, by one generator (\`test/bench/load\`), ${DOOR_TURNS} times in the order REST, tRPC, tRPC, REST within a round, ${shown(rpc.seconds / DOOR_TURNS)} s each. ${whence(rpc)}.`,
    '',
    table(['at once', 'REST, per second', 'tRPC, per second'], rows),
  ].join('\n')
}

function renderProcess({ bcrypt, memory, start }: Figures): string {
  const of = (name: keyof BcryptRound): string =>
    shownSpread(spreadOf((bcrypt?.rounds ?? []).map((round) => round[name])))
  const mib = (name: 'ready_mib' | 'sampled_mib' | 'peak_mib'): string =>
    shownSpread(spreadOf((memory?.rounds ?? []).map((round) => round[name])))
  return [
    `* **bcrypt**, cost 12: one comparison takes ${of('hash_ms')} ms alone; ${bcrypt?.cores ?? 'as many as there are cores'} at once make ${of('all_cores_per_s')} per second; logins at 8 at once ${of('logins_per_s')} per second. ${whence(bcrypt)}.`,
    `* **Memory** of the one process, MiB: ready ${mib('ready_mib')}; highest of samples under all loads ${mib('sampled_mib')}; the kernel's high-water mark ${mib('peak_mib')}. The table above has the last in MB (10⁶ bytes). ${whence(memory)}.`,
    `* **Start to ready**, from exec of \`node server/dist/main.js\` to \`/ready\` answering 200, with its own PostgreSQL${start ? ` ${start.postgres}` : ''}: ${shownSpread(spreadOf(start?.warm_ms ?? []))} ms warm; ${start ? `${shown(start.first_ms)} ms the first time, which makes the cluster` : 'the first time not run'}. ${whence(start)}.`,
  ].join('\n')
}

/** The document, from the figures and the prose about what was tried. */
export function renderDocument(figures: Figures, tried: string): string {
  const judged =
    'Judged by the median. The lean FastAPI, the bare Node server and pgbench stand in the figures below.'
  return `# Speed

Written by \`pnpm bench\` from [performance.json](performance.json); not by hand.

## How it was measured

${METHOD}

${renderMachine(figures)}

${COMMANDS}

## What is to be reached

${renderRows(figures)}

${judged}

![Ratios to FastAPI, with what is to be reached](performance.svg)

## Figures

${renderThroughput(figures)}

${renderRpc(figures)}

${renderProcess(figures)}

## Growth

${renderGrowth(figures.growth, figures.growth_with_churn)}

## Live delivery

${renderLive(figures.live)}

## What was tried, what it gave, what was dropped

${tried.trim()}
`
}
