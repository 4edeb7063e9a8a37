import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { own, REPOSITORY } from '../places.js'
import { readFigures } from './figures.js'
import { renderDocument } from './markdown.js'
import { renderPlot } from './plot.js'

/** Writes docs/performance.md and docs/performance.svg from docs/performance.json. */
export function writeDocument(): void {
  const figures = readFigures()
  const docs = path.join(REPOSITORY, 'docs')
  writeFileSync(
    path.join(docs, 'performance.md'),
    renderDocument(figures, readFileSync(own('tried.md'), 'utf8')),
  )
  writeFileSync(path.join(docs, 'performance.svg'), renderPlot(figures))
}
