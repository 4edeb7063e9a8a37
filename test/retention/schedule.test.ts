import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Schedule } from '../../server/dist/retention/schedule.js'

const EVERY_SECOND = '* * * * * *'
const NEVER = '0 0 1 1 *'

/** A job that lasts until it is told to end. */
class Job {
  begun = 0
  ended = 0
  signal: AbortSignal | undefined
  private finish: (() => void) | undefined

  readonly run = async (signal: AbortSignal): Promise<void> => {
    this.begun += 1
    this.signal = signal
    await new Promise<void>((resolve) => (this.finish = resolve))
    this.ended += 1
  }

  async end(): Promise<void> {
    this.finish?.()
    await vi.advanceTimersByTimeAsync(0)
  }
}

let job = new Job()
let schedules: Schedule[] = []

function begin(expression: string): Schedule {
  const schedule = new Schedule(expression, job.run)
  schedules.push(schedule)
  return schedule
}

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-11-26T12:00:00.300Z') })
  ;[job, schedules] = [new Job(), []]
})
afterEach(async () => {
  const stopped = Promise.all(schedules.map((schedule) => schedule.stop()))
  await job.end()
  await stopped
  vi.useRealTimers()
})

test('begins at once, whenever the next slot is', async () => {
  begin(NEVER)
  await vi.advanceTimersByTimeAsync(0)
  expect(job.begun).toBe(1)
})

test('begins again at each slot after the last one ended', async () => {
  begin(EVERY_SECOND)
  await job.end()
  await vi.advanceTimersByTimeAsync(1000)
  expect([job.begun, job.ended]).toEqual([2, 1])
  await job.end()
  await vi.advanceTimersByTimeAsync(1000)
  expect([job.begun, job.ended]).toEqual([3, 2])
})

test('lets a slot pass while the last one is under way', async () => {
  begin(EVERY_SECOND)
  await vi.advanceTimersByTimeAsync(3000)
  expect(job.begun).toBe(1)
})

test('reads its slots in UTC', async () => {
  begin('0 12 * * *')
  await job.end()
  await vi.advanceTimersByTimeAsync(23 * 3_600_000)
  expect(job.begun).toBe(1)
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(job.begun).toBe(2)
})

test('stopped, it tells the job, waits for its end, and begins no other', async () => {
  const schedule = begin(EVERY_SECOND)
  await vi.advanceTimersByTimeAsync(0)
  expect(job.signal?.aborted).toBe(false)
  let stopped = false
  void schedule.stop().then(() => (stopped = true))
  await vi.advanceTimersByTimeAsync(2000)
  expect(job.signal?.aborted).toBe(true)
  expect(stopped).toBe(false)
  await job.end()
  expect(stopped).toBe(true)
  await vi.advanceTimersByTimeAsync(5000)
  expect(job.begun).toBe(1)
})

test('stopped while it rests, it ends at once and leaves no timer', async () => {
  const schedule = begin(EVERY_SECOND)
  await job.end()
  await schedule.stop()
  await vi.advanceTimersByTimeAsync(5000)
  expect(job.begun).toBe(1)
  expect(vi.getTimerCount()).toBe(0)
})
