import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { queryPath, request, type Answer, type RequestOptions } from '../harness/http.js'
import { openLive } from '../harness/stream.js'
import { tokenFor } from '../harness/tokens.js'
import { CANARY, type Canaries } from './canaries.js'
import type { Random } from './random.js'

const PAUSE_MS = 500
const LISTENS_MS = 300

const identified = z.object({ id: z.string() })

/** Calls every operation over both doors, well and badly, with what must turn up nowhere else. */
export class Visitor {
  private over = false

  constructor(
    private readonly bases: () => readonly string[],
    private readonly canaries: Canaries,
    private readonly random: Random,
  ) {}

  start(): { stop: () => Promise<void> } {
    const work = this.keepVisiting()
    return {
      stop: () => {
        this.over = true
        return work
      },
    }
  }

  private async keepVisiting(): Promise<void> {
    while (!this.over) {
      await this.visit(`${CANARY}.${randomBytes(8).toString('hex')}`)
      await sleep(PAUSE_MS)
    }
  }

  private async visit(name: string): Promise<void> {
    const password = `${name} password`
    await this.ask('POST', '/login', { form: { username: name, password } })
    const json = { username: name, password, public_key: `${name} key` }
    const made = await this.ask('POST', this.random.chance(0.5) ? '/register' : '/trpc/auth.register', {
      json,
    })
    const id = this.learn('a user id', made)
    if (id === undefined) return
    const token = tokenFor(id)
    await this.ask('POST', '/register', { json })
    await this.ask('POST', '/login', { form: { username: name, password } })
    await this.ask('GET', '/me', { token: `${token}${name}` })
    await this.useDirectory(name, id, token)
    await this.useMailbox(name, id, token)
  }

  private async useDirectory(name: string, id: string, token: string): Promise<void> {
    await this.ask('GET', '/me', { token })
    await this.ask('GET', `/users/${name}`, { token })
    await this.ask('GET', `/public-key/${id}`, { token })
    await this.ask('GET', queryPath('keys.get', { user_id: name }), { token })
    await this.ask('PUT', '/update-key', { token, json: { public_key: `${name} next key` } })
    await this.ask('PUT', '/update-key', { token, json: { public_key: `${name}\u0000` } })
    await this.ask('GET', `/${name}`, { token })
    await this.ask('GET', queryPath(name), { token })
  }

  private async useMailbox(name: string, id: string, token: string): Promise<void> {
    const json = { recipient_id: id, ciphertext: `${name} ciphertext` }
    const message = this.learn('a message id', await this.ask('POST', '/messages', { token, json }))
    await this.ask('POST', '/messages', { token, json: { ...json, recipient_id: name } })
    await this.ask('POST', '/messages', {
      token,
      body: `{"${name}`,
      headers: { 'content-type': 'application/json' },
    })
    await this.ask('GET', '/messages', { token })
    await this.listen(token)
    if (message === undefined) return
    await this.ask('GET', `/messages/${message}/status?recipient_id=${id}`, { token })
    await this.ask('PUT', `/messages/${message}/delivered`, { token })
    await this.ask('POST', '/messages/delivered', { token, json: { ids: [message] } })
    await this.ask('POST', '/trpc/messages.confirm', { token, json: { id: message } })
  }

  /** Whatever is refused is searched: an error may tell what is wrong, and not with what. */
  private async ask(method: string, path: string, options: RequestOptions): Promise<Answer | undefined> {
    const answer = await request(this.random.pick(this.bases()), method, path, options).catch(() => undefined)
    if (answer && answer.status >= 400)
      this.canaries.take(`an answer ${answer.status}`, answer.text + JSON.stringify(answer.headers))
    return answer
  }

  private learn(kind: string, answer: Answer | undefined): string | undefined {
    const { data } = z
      .union([identified, z.object({ result: z.object({ data: identified }) })])
      .safeParse(answer?.json)
    const id = data && ('id' in data ? data.id : data.result.data.id)
    if (id !== undefined) this.canaries.addId(kind, id)
    return id
  }

  private async listen(token: string): Promise<void> {
    const stream = await openLive(this.random.pick(this.bases()), token).catch(() => undefined)
    await sleep(LISTENS_MS)
    stream?.close()
  }
}
