import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PasswordQueue, type Standing } from '../../server/dist/accounts/password-queue.js'

const MAX_WAIT_MS = 15_000

/** Work that lasts until it is told to end, and says when it begins. */
class Works {
  readonly begun: string[] = []
  readonly ended: string[] = []
  readonly refused: string[] = []
  private readonly ends = new Map<string, () => void>()

  constructor(private readonly queue: PasswordQueue) {}

  ask(name: string, standing: Standing = 'stranger'): Promise<void> {
    const work = (): Promise<void> => {
      this.begun.push(name)
      return new Promise((resolve) => this.ends.set(name, resolve))
    }
    return this.queue.run(standing, work).then(
      () => void this.ended.push(name),
      (error: unknown) => {
        expect(error).toMatchObject({
          code: 'unavailable',
          message: 'Too many passwords are waiting to be checked. Try again shortly.',
          retryAfterSeconds: 5,
        })
        this.refused.push(name)
      },
    )
  }

  async end(name: string): Promise<void> {
    this.ends.get(name)?.()
    await vi.advanceTimersByTimeAsync(0)
  }
}

function open(concurrency: number, capacity: number): Works {
  return new Works(new PasswordQueue({ concurrency, capacity }))
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0)

describe('the line of passwords', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('has as many worked on at once as are allowed, and the next when one ends', async () => {
    const works = open(2, 10)
    for (const name of ['a', 'b', 'c', 'd']) void works.ask(name)
    await settle()
    expect(works.begun).toEqual(['a', 'b'])
    await works.end('b')
    expect(works.begun).toEqual(['a', 'b', 'c'])
    for (const name of ['a', 'c', 'd']) await works.end(name)
    expect(works.ended).toEqual(['b', 'a', 'c', 'd'])
  })

  test('is as wide as before once it was empty', async () => {
    const works = open(1, 10)
    void works.ask('a')
    await settle()
    await works.end('a')
    void works.ask('b')
    void works.ask('c')
    await settle()
    expect(works.begun).toEqual(['a', 'b'])
  })

  test('goes on after work that failed', async () => {
    const queue = new PasswordQueue({ concurrency: 1, capacity: 1 })
    await expect(queue.run('stranger', () => Promise.reject(new Error('no hash')))).rejects.toThrow('no hash')
    expect(await queue.run('stranger', async () => 'hashed')).toBe('hashed')
  })

  test('lets owners go first, and each kind in the order that they came', async () => {
    const works = open(1, 10)
    for (const name of ['a', 'b', 'c']) void works.ask(name)
    for (const name of ['owner 1', 'owner 2']) void works.ask(name, 'owner')
    await settle()
    for (const name of ['a', 'owner 1', 'owner 2', 'b']) await works.end(name)
    expect(works.begun).toEqual(['a', 'owner 1', 'owner 2', 'b', 'c'])
  })

  test('refuses a stranger at once when it is full', async () => {
    const works = open(1, 2)
    for (const name of ['a', 'b', 'c', 'd']) void works.ask(name)
    await settle()
    expect(works.refused).toEqual(['d'])
  })

  test('that is full gives an owner the place of the newest stranger', async () => {
    const works = open(1, 2)
    for (const name of ['a', 'b', 'c']) void works.ask(name)
    void works.ask('owner', 'owner')
    await settle()
    expect(works.refused).toEqual(['c'])
    for (const name of ['a', 'owner', 'b']) await works.end(name)
    expect(works.ended).toEqual(['a', 'owner', 'b'])
  })

  test('that is full of owners refuses another, and counts owners and strangers together', async () => {
    const works = open(1, 2)
    void works.ask('a')
    void works.ask('owner 1', 'owner')
    void works.ask('owner 2', 'owner')
    void works.ask('owner 3', 'owner')
    void works.ask('b')
    await settle()
    expect(works.refused.toSorted()).toEqual(['b', 'owner 3'])
  })

  test.each(['owner', 'stranger'] as const)(
    'has an %s wait for 15 seconds, and no longer, and nobody else go with him',
    async (standing) => {
      const works = open(1, 10)
      void works.ask('a')
      void works.ask('first', standing)
      await vi.advanceTimersByTimeAsync(1000)
      void works.ask('second', standing)
      await vi.advanceTimersByTimeAsync(MAX_WAIT_MS - 1001)
      expect(works.refused).toEqual([])
      await vi.advanceTimersByTimeAsync(1)
      expect(works.refused).toEqual(['first'])
      await works.end('a')
      expect(works.begun).toEqual(['a', 'second'])
    },
  )

  test('answers after 20 seconds of work, and no sooner; its place is taken until the work ends', async () => {
    const works = open(1, 10)
    void works.ask('a')
    await vi.advanceTimersByTimeAsync(19_999)
    expect(works.refused).toEqual([])
    void works.ask('b')
    await vi.advanceTimersByTimeAsync(1)
    expect(works.refused).toEqual(['a'])
    expect(works.begun).toEqual(['a'])
    await works.end('a')
    expect(works.begun).toEqual(['a', 'b'])
    await works.end('b')
    expect(works.ended).toEqual(['b'])
  })

  test('leaves no timer behind, whether one was served or displaced', async () => {
    const works = open(1, 1)
    void works.ask('a')
    void works.ask('b')
    void works.ask('owner', 'owner')
    await settle()
    await works.end('a')
    expect(works.begun).toEqual(['a', 'owner'])
    await works.end('owner')
    expect(vi.getTimerCount()).toBe(0)
  })
})
