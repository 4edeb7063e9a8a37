import { Batcher } from './batcher.js'

/**
 * Look-ups by a text of each, gathered: one statement at a time finds all that were asked for while the last was under
 * way. It begins after they came, so it sees whatever was acknowledged before.
 *
 * @param find - finds those that there are, by their texts; it is asked after each but once
 */
export function gatherLookUps<Found>(
  find: (sought: readonly string[]) => Promise<ReadonlyMap<string, Found>>,
): Batcher<string, Found | undefined> {
  return new Batcher({
    atOnce: 1,
    weigh: ({ length }) => length,
    perform: async (asked) => {
      const found = await find([...new Set(asked)])
      return asked.map((sought) => found.get(sought))
    },
  })
}
