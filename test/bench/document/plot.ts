import { shown, type Spread } from '../numbers.js'
import type { Peer } from '../options.js'
import type { Figures } from './figures.js'
import { rowsOf, type Row } from './rows.js'

const WIDTH = 860
const LEFT = 300
const RIGHT = 70
const TOP = 56
const ROW_HEIGHT = 40
const BAR_HEIGHT = 16
/** The axis ends at a multiple of this. */
const AXIS_STEP = 5

/** A row as something of which more is better. */
interface Bar {
  readonly label: string
  readonly target: number
  readonly goal: number | undefined
  readonly measured: Spread | undefined
  readonly others: Partial<Record<Peer, Spread>>
}

function inverted({ median, min, max }: Spread): Spread {
  return { median: 1 / median, min: 1 / max, max: 1 / min }
}

function barOf({ work, better, target, goal, measured, others }: Row): Bar {
  const label = work.replaceAll('`', '')
  if (better === 'more') return { label, target, goal, measured, others }
  const turned = measured && inverted(measured)
  return { label, target: 1 / target, goal: goal && 1 / goal, measured: turned, others: {} }
}

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .small { font-size: 11px; fill: #59636e }
  .grid { stroke: #d1d9e0 } .bar { fill: #2f6fd0 } .span { stroke: #12305e; stroke-width: 1.5 }
  .target { stroke: #c2410c; stroke-width: 2.5 } .goal { stroke: #c2410c; stroke-width: 1.5; stroke-dasharray: 3 2 }
  .bare { fill: #8250df } .pgbench { fill: #1a7f37 } .lean { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d } .bar { fill: #5b9bf5 } .span { stroke: #cfe2ff }
    .target, .goal { stroke: #ff9a57 } .bare { fill: #c297ff } .pgbench { fill: #4ac26b } .lean { fill: #9198a1 }
  }`

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

type Scale = (value: number) => string

const DOTS = [
  ['fastapi-lean', 'lean', 'lean FastAPI'],
  ['node-pg-batch', 'bare', 'bare Node, batched'],
  ['pgbench', 'pgbench', 'pgbench'],
] as const

function renderBar(bar: Bar, index: number, x: Scale): string {
  const middle = TOP + index * ROW_HEIGHT + ROW_HEIGHT / 2
  const [high, low] = [middle - BAR_HEIGHT / 2, middle + BAR_HEIGHT / 2]
  const label = `<text x="${LEFT - 10}" y="${middle + 4}" text-anchor="end">${escaped(bar.label)}</text>`
  const upright = (kind: string, at: number): string =>
    `<line class="${kind}" x1="${x(at)}" x2="${x(at)}" y1="${high - 5}" y2="${low + 5}"/>`
  const marks = [upright('target', bar.target), bar.goal === undefined ? '' : upright('goal', bar.goal)]
  if (!bar.measured)
    return [label, `<text class="small" x="${LEFT + 6}" y="${middle + 4}">not run</text>`, ...marks].join('')
  const { median, min, max } = bar.measured
  const width = (Number(x(median)) - LEFT).toFixed(1)
  const dots = DOTS.flatMap(([peer, kind]) => {
    const other = bar.others[peer]
    return other ? [`<circle class="${kind}" cx="${x(other.median)}" cy="${low + 6}" r="4"/>`] : []
  })
  return [
    label,
    `<rect class="bar" x="${LEFT}" y="${high}" width="${width}" height="${BAR_HEIGHT}"/>`,
    `<line class="span" x1="${x(min)}" x2="${x(max)}" y1="${middle}" y2="${middle}"/>`,
    ...marks,
    ...dots,
    `<text x="${WIDTH - 6}" y="${middle + 4}" text-anchor="end">${shown(median)} ×</text>`,
  ].join('')
}

function renderLegend(): string {
  const entries = [
    ['<rect class="bar" x="0" y="-9" width="14" height="9"/>', 'this server, median (line: min–max)', 14],
    ['<line class="target" x1="4" x2="4" y1="-11" y2="2"/>', 'to reach', 8],
    ['<line class="goal" x1="4" x2="4" y1="-11" y2="2"/>', 'goal', 8],
    ...DOTS.map(([, kind, name]) => [`<circle class="${kind}" cx="4" cy="-5" r="4"/>`, name, 8] as const),
  ] as const
  const CHARACTER_WIDTH = 6
  let at = 16
  return entries
    .map(([sign, name, width]) => {
      const entry = `<g transform="translate(${at} 40)">${sign}<text class="small" x="${width + 6}">${name}</text></g>`
      at += width + 24 + name.length * CHARACTER_WIDTH
      return entry
    })
    .join('\n')
}

/** Horizontal bars: how many times FastAPI, with what is to be reached marked. Reads on light and on dark. */
export function renderPlot(figures: Figures): string {
  const bars = rowsOf(figures)
    .filter(({ unit }) => unit.startsWith('× FastAPI'))
    .map(barOf)
  const values = bars.flatMap(({ target, goal, measured, others }) => [
    target,
    goal ?? 0,
    measured?.max ?? 0,
    ...Object.values(others).map(({ median }) => median),
  ])
  const last = Math.ceil(Math.max(...values) / AXIS_STEP) * AXIS_STEP
  const x: Scale = (value) => (LEFT + (value / last) * (WIDTH - LEFT - RIGHT)).toFixed(1)
  const bottom = TOP + bars.length * ROW_HEIGHT
  const step = Math.ceil(last / 8 / AXIS_STEP) * AXIS_STEP
  const ticks = Array.from({ length: Math.floor(last / step) + 1 }, (_, at) => at * step)
  const grid = ticks.map(
    (at) =>
      `<line class="grid" x1="${x(at)}" x2="${x(at)}" y1="${TOP}" y2="${bottom}"/>` +
      `<text class="small" x="${x(at)}" y="${bottom + 16}" text-anchor="middle">${at} ×</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 30}" role="img">
<title>How many times FastAPI this server is; for p99, how many times shorter</title>
<style>${STYLE}
</style>
<text x="16" y="20">Times FastAPI, more is better (p99: how many times shorter)</text>
${renderLegend()}
${grid.join('\n')}
${bars.map((bar, index) => renderBar(bar, index, x)).join('\n')}
</svg>
`
}
