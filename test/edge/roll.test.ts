import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Roll } from '../../server/dist/http/roll.js'

test('a roll holds those who entered and did not leave, in whatever order they go', () => {
  const goings = fc.array(fc.record({ enters: fc.boolean(), at: fc.nat(50) }), { maxLength: 200 })
  fc.assert(
    fc.property(goings, (steps) => {
      const roll = new Roll<number>()
      const present: { item: number; leave: () => void }[] = []
      for (const [item, { enters, at }] of steps.entries()) {
        if (enters) present.push({ item, leave: roll.enter(item) })
        else for (const { leave } of present.splice(at % Math.max(1, present.length), 1)) leave()
        expect(roll.items().toSorted((a, b) => a - b)).toEqual(present.map((entry) => entry.item))
      }
    }),
  )
})
