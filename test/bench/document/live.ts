import { z } from 'zod'
import { shown } from '../numbers.js'
import { table } from './table.js'

const cost = z.object({ per_s: z.number(), cpu_us: z.number() })
const held = z.object({ listeners: z.number(), timers: z.number(), sockets: z.number() })

/** What `pnpm bench:live` measured. */
export const live = z.object({
  date: z.string(),
  commit: z.string(),
  idle: z.object({
    connections: z.number(),
    ready_mib: z.number(),
    resident_mib: z.number(),
    peak_mib: z.number(),
    messages: z.number(),
    p50_ms: z.number(),
    p99_ms: z.number(),
    max_ms: z.number(),
  }),
  cycles: z.object({ cycles: z.number(), before: held, after: held }),
  rounds: z.number(),
  seconds: z.number(),
  costs: z.array(
    z.object({
      concurrency: z.number(),
      without: cost,
      nobody: cost,
      listened: cost,
      ratio_nobody: z.number(),
      ratio_listened: z.number(),
    }),
  ),
})
type Live = z.infer<typeof live>

const MB_PER_MIB = 1.048576
/** What is to be reached, and the goal beyond it. */
const TARGETS = {
  connections: 10_000,
  mb: 600,
  mbGoal: 300,
  p50: 100,
  p50Goal: 20,
  p99: 500,
  nobody: 1.05,
  listened: 1.25,
}

function verdict(reached: boolean, goal = false): string {
  return goal ? 'yes, and the goal' : reached ? 'yes' : 'no'
}

function rowsOf({ idle, cycles, costs }: Live): string[][] {
  const mb = idle.resident_mib * MB_PER_MIB
  const whole = idle.connections >= TARGETS.connections
  const left = (['listeners', 'timers', 'sockets'] as const).map(
    (what) => `${what} ${cycles.before[what]} → ${cycles.after[what]}`,
  )
  const clean =
    cycles.after.listeners <= cycles.before.listeners && cycles.after.timers <= cycles.before.timers
  return [
    [
      `memory, ${idle.connections.toLocaleString('en-US')} idle streams`,
      `under ${TARGETS.mb} MB; goal ${TARGETS.mbGoal}`,
      `${shown(mb)} MB`,
      verdict(whole && mb < TARGETS.mb, whole && mb < TARGETS.mbGoal),
    ],
    [
      'a send to one of them arrives, median',
      `under ${TARGETS.p50} ms; goal ${TARGETS.p50Goal}`,
      `${shown(idle.p50_ms)} ms`,
      verdict(idle.p50_ms < TARGETS.p50, idle.p50_ms < TARGETS.p50Goal),
    ],
    [
      'the same, p99',
      `under ${TARGETS.p99} ms`,
      `${shown(idle.p99_ms)} ms`,
      verdict(idle.p99_ms < TARGETS.p99),
    ],
    [
      `${cycles.cycles.toLocaleString('en-US')} streams opened and closed`,
      'nothing left',
      left.join(', '),
      verdict(clean),
    ],
    ...costs.flatMap(({ concurrency, ratio_nobody, ratio_listened }) => [
      [
        `a send that nobody listens for, ${concurrency} at once`,
        `${TARGETS.nobody} × without live delivery`,
        `${shown(ratio_nobody)} ×`,
        verdict(ratio_nobody <= TARGETS.nobody),
      ],
      [
        `a send to a listener, ${concurrency} at once`,
        `${TARGETS.listened} × without live delivery`,
        `${shown(ratio_listened)} ×`,
        verdict(ratio_listened <= TARGETS.listened),
      ],
    ]),
  ]
}

export function renderLive(measured: Live | null | undefined): string {
  if (!measured) return 'Streams, their memory and their cost (`pnpm bench:live`): not run.'
  const { date, commit, rounds, seconds, costs, idle } = measured
  const costRows = costs.map(({ concurrency, without, nobody, listened }) => [
    String(concurrency),
    ...[without, nobody, listened].map(({ per_s, cpu_us }) => `${shown(per_s)}; ${shown(cpu_us)} µs`),
  ])
  return [
    `\`pnpm bench:live\`, ${date}, commit \`${commit}\`. ${idle.messages} messages, one after another, each to another stream.`,
    `The cost of a send is the processor time of server and PostgreSQL, beside the same server while it tells nobody of`,
    `anything, in turns of ${seconds} s; median of the ratios of ${rounds} rounds. Listeners are 20 streams, one for each recipient.`,
    '',
    table(['what', 'to reach', 'measured', 'reached'], rowsOf(measured)),
    '',
    table(['senders', 'without live delivery', 'nobody listens', 'each recipient listens'], costRows),
  ].join('\n')
}
