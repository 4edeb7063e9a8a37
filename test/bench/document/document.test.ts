import { describe, expect, test } from 'vitest'
import type { Figures, Point, Round } from './figures.js'
import { renderDocument } from './markdown.js'
import { renderPlot } from './plot.js'
import { reached, rowsOf } from './rows.js'

const stamp = { date: '2026-01-31T12:00:00.000Z', commit: 'abc', command: 'pnpm bench' }

function rounds(...rates: number[]): Round[] {
  return rates.map((per_s) => ({ per_s, p50_ms: 1, p99_ms: 1000 / per_s, max_ms: 2 }))
}

function sends(peer: Point['peer'], concurrency: number, ...rates: number[]): Point {
  return { peer, work: 'send', concurrency, rounds: rounds(...rates) }
}

function withPoints(...points: Point[]): Figures {
  return { throughput: { ...stamp, rounds: 3, seconds: 3, generator: 'load.mjs', points, integrity: [] } }
}

const row = (figures: Figures, name: string) => {
  const found = rowsOf(figures).find(({ work }) => work.includes(name))
  if (!found) throw new Error(`no row ${name}`)
  return found
}

describe('a row', () => {
  test('is the median of the ratios within each round', () => {
    const figures = withPoints(sends('fastapi', 16, 100, 200, 100), sends('relay', 16, 900, 1600, 1200))
    expect(row(figures, '16 at once').measured).toEqual({ median: 9, min: 8, max: 12 })
    expect(reached(row(figures, '16 at once'))).toBe('target')
  })

  test('reaches a goal beside another peer only where that peer was measured', () => {
    const without = withPoints(sends('fastapi', 64, 100), sends('relay', 64, 1100))
    expect(reached(row(without, '64 at once'))).toBe('target')
    const beside = withPoints(sends('fastapi', 64, 100), sends('relay', 64, 1100), sends('pgbench', 64, 1000))
    expect(reached(row(beside, '64 at once'))).toBe('goal')
  })

  test('of less is better is judged the other way round', () => {
    const figures: Figures = {
      start: { ...stamp, postgres: '18', first_ms: 9000, warm_ms: [1500, 2500, 2600] },
    }
    expect(reached(row(figures, 'start to ready'))).toBe('no')
  })
})

describe('the document', () => {
  test('says of everything that was not measured that it was not run', () => {
    expect(rowsOf({}).map(reached)).toEqual(rowsOf({}).map(() => 'not run'))
    const text = renderDocument({}, 'Nothing yet.')
    expect(text.match(/\| not run \| not run \|/g)?.length).toBe(rowsOf({}).length + 13)
    expect(renderPlot({}).match(/>not run</g)?.length).toBe(7)
  })

  test('judges growth as another tool wrote it, and leaves what it did not run', () => {
    const text = renderDocument(
      {
        growth: {
          date: stamp.date,
          commit: 'abc',
          rows: 10_000_000,
          users: 1_000_000,
          points: [{ work: 'send', empty_per_s: 1000, full_per_s: 700, ratio_full: 0.7 }],
          churn: null,
          purge: {
            rows: 1_000_000,
            longest_statement_ms: 120,
            seconds: 60,
            sends_p95_ms_beside: 10,
            sends_p95_ms_during: 11,
          },
        },
      },
      '',
    )
    expect(text).toMatch(/send, full table \|.*0\.70 ×.*\| no \|/)
    expect(text).toMatch(/send, after churn \|.*not run \| not run \|/)
    expect(text).toMatch(/longest statement \|.*120 ms \| yes \|/)
    expect(text).toMatch(/during the purge \|.*1\.10 × \| yes \|/)
    expect(text).toContain('no churn, then a purge of 1,000,000 rows in 60.0 s')
    expect(text).toMatch(/--churn-minutes 60`:\nNot run\./)
  })
})
