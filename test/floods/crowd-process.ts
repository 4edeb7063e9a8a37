// The crowd's process: what its ten thousand connections cost it delays nobody whose calls are timed.
import { Crowd, type CrowdOptions } from './crowd.js'

/** What it is asked: to gather a crowd, or to tell what it saw. */
interface Question {
  readonly gather?: CrowdOptions
}

let crowd: Crowd | undefined

async function answer({ gather }: Question): Promise<void> {
  if (gather) {
    crowd = new Crowd(gather)
    await crowd.gather()
  }
  process.send?.(crowd?.seen())
}

process.on('message', (question: Question) => void answer(question))
process.on('disconnect', () => process.exit())
