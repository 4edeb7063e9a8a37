import { QUANTITIES, type Quantity, type Sample } from './sample.js'

const WIDTH = 860
const PANEL_HEIGHT = 92
const LEFT = 60
const RIGHT = 20
const TOP = 36
const GAP = 34

const NAMES: Readonly<Record<Quantity, string>> = {
  heap_mib: 'heap, MiB',
  resident_mib: 'resident memory, MiB',
  handles: 'handles',
  open_files: 'open files',
  connections: 'connections to the database, of both instances',
  rows: 'rows of messages',
  table_mib: 'table with TOAST, MiB',
  indexes_mib: 'the files of its indexes, MiB',
  index_pages_mib: 'in them the pages in use, MiB',
}

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e }
  .line { fill: none; stroke: #2f6fd0; stroke-width: 1.5 } .grid { stroke: #d1d9e0 }
  .kill { stroke: #c2410c; stroke-width: 1; stroke-dasharray: 2 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d } .line { stroke: #5b9bf5 } .kill { stroke: #ff9a57 }
  }`

function renderPanel(
  quantity: Quantity,
  samples: readonly Sample[],
  x: (seconds: number) => string,
  top: number,
): string {
  const highest = Math.max(...samples.map((sample) => sample[quantity])) * 1.1 || 1
  const y = (value: number): string => (top + PANEL_HEIGHT - (value / highest) * PANEL_HEIGHT).toFixed(1)
  const points = samples.map((sample) => `${x(sample.seconds)},${y(sample[quantity])}`)
  const bottom = top + PANEL_HEIGHT
  return [
    `<text x="${LEFT}" y="${top - 8}">${NAMES[quantity]}</text>`,
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${bottom}" y2="${bottom}"/>`,
    `<text class="small" x="${LEFT - 6}" y="${bottom + 4}" text-anchor="end">0</text>`,
    `<text class="small" x="${LEFT - 6}" y="${top + 8}" text-anchor="end">${Math.round(highest).toLocaleString('en')}</text>`,
    `<polyline class="line" points="${points.join(' ')}"/>`,
  ].join('\n')
}

/** Each quantity over the run from zero upwards, and when something was killed. */
export function renderSoak(samples: readonly Sample[], killedAtSeconds: readonly number[]): string {
  const last = samples.at(-1)?.seconds ?? 1
  const x = (seconds: number): string => (LEFT + (seconds / last) * (WIDTH - LEFT - RIGHT)).toFixed(1)
  const panels = QUANTITIES.map((quantity, at) =>
    renderPanel(quantity, samples, x, TOP + 20 + at * (PANEL_HEIGHT + GAP)),
  )
  const bottom = TOP + 20 + QUANTITIES.length * (PANEL_HEIGHT + GAP) - GAP
  const kills = killedAtSeconds.map(
    (at) => `<line class="kill" x1="${x(at)}" x2="${x(at)}" y1="${TOP}" y2="${bottom}"/>`,
  )
  const minutes = Array.from({ length: Math.floor(last / 120) + 1 }, (_, at) => at * 2)
  const ticks = minutes.map(
    (at) => `<text class="small" x="${x(at * 60)}" y="${bottom + 18}" text-anchor="middle">${at} min</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 30}" role="img">
<title>What the server and its database hold through seven days' traffic in little time</title>
<style>${STYLE}
</style>
<text x="16" y="20">Dashed: the other instance, or PostgreSQL, was killed</text>
${kills.join('\n')}
${panels.join('\n')}
${ticks.join('\n')}
</svg>
`
}
