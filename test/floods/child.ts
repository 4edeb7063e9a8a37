import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { endOf, REPOSITORY } from '../harness/process.js'

/** A program of this folder in a process of its own, which answers each question. */
export class Child {
  private readonly child
  private readonly ended: Promise<never>

  constructor(program: string) {
    const file = fileURLToPath(new URL(program, import.meta.url))
    this.child = fork(file, { cwd: REPOSITORY, execArgv: ['--import', 'tsx'] })
    const end = endOf(this.child)
    this.ended = end.then(() => Promise.reject(new Error(`${program} ended`)))
    this.ended.catch(() => undefined)
    onTestFinished(() => {
      this.child.kill('SIGKILL')
      return end
    })
  }

  async ask(question: object): Promise<unknown> {
    const answered = once(this.child, 'message')
    this.child.send(question)
    const [answer]: unknown[] = await Promise.race([answered, this.ended])
    return answer
  }
}
