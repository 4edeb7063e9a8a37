import net from 'node:net'

const OPENING_AT_ONCE = 100
const DRIBBLE_MS = 1000
/** Near ends: each address has ports of its own. */
const ADDRESSES = 4

export interface CrowdOptions {
  readonly base: string
  readonly count: number
  /** What each says when it is connected. */
  readonly opening: string
  /** A byte of this follows every second, for as long as the connection lasts. */
  readonly dribble?: string
}

export interface CrowdSeen {
  readonly connected: number
  /** How long each connection lasted that the server ended, milliseconds. */
  readonly lastedMs: readonly number[]
  /** The first lines of what they were told, and how often. */
  readonly told: Record<string, number>
}

interface Member {
  readonly socket: net.Socket
  readonly openedAt: number
  said: string
}

/** Clients that connect and never finish a request. */
export class Crowd {
  private readonly lastedMs: number[] = []
  private readonly told = new Map<string, number>()
  private readonly members = new Set<Member>()

  constructor(private readonly options: CrowdOptions) {}

  seen(): CrowdSeen {
    return {
      connected: this.members.size,
      lastedMs: this.lastedMs,
      told: Object.fromEntries(this.told),
    }
  }

  async gather(): Promise<void> {
    const { count, dribble } = this.options
    if (dribble) setInterval(() => this.write(dribble), DRIBBLE_MS)
    let opened = 0
    const openInTurn = async (): Promise<void> => {
      for (let place = opened++; place < count; place = opened++) await this.open(place)
    }
    await Promise.all(Array.from({ length: OPENING_AT_ONCE }, openInTurn))
  }

  private write(byte: string): void {
    for (const { socket } of this.members) if (socket.writable) socket.write(byte)
  }

  private open(place: number): Promise<void> {
    const { base, opening } = this.options
    const { hostname, port } = new URL(base)
    const localAddress = `127.0.0.${2 + (place % ADDRESSES)}`
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host: hostname, port: Number(port), localAddress })
      const member: Member = { socket, openedAt: performance.now(), said: '' }
      socket.once('connect', () => {
        this.members.add(member)
        if (opening) socket.write(opening)
        resolve()
      })
      socket.on('data', (bytes) => (member.said += bytes.toString('latin1')))
      // Where it never connected; a reset afterwards is an end.
      socket.on('error', reject)
      socket.once('close', () => this.leave(member))
    })
  }

  private leave(member: Member): void {
    this.members.delete(member)
    this.lastedMs.push(performance.now() - member.openedAt)
    const line = member.said.split('\r\n')[0] || 'nothing'
    this.told.set(line, (this.told.get(line) ?? 0) + 1)
  }
}
