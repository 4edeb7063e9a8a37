import net from 'node:net'

function message(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function long(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const BOOLEAN = 16
const TEXT = 25
const READY = message('Z', 'I')
const WELCOME = Buffer.concat([message('R', long(0)), READY])
const DYING = message('E', 'SFATAL\0', 'VFATAL\0', 'C57P01\0', 'Mterminating connection\0', '\0')

function column(name: string, type: number): Buffer {
  return Buffer.concat([
    Buffer.from(`${name}\0`),
    long(0),
    short(0),
    long(type),
    short(-1),
    long(-1),
    short(0),
  ])
}

function field(value: string): Buffer {
  return Buffer.concat([long(value.length), Buffer.from(value)])
}

/** As a primary answers whoever searches for one. */
const I_AM_PRIMARY = Buffer.concat([
  message('T', short(2), column('read_only', BOOLEAN), column('timeline', TEXT)),
  message('D', short(2), field('f'), field('00000001')),
  message('C', 'SELECT 1\0'),
  READY,
])

/** Takes itself for a primary, and dies in the moment in which a connection that is no search's is open. */
export async function startDyingPrimary(): Promise<{ url: string; close(): Promise<void> }> {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (startup) => {
      if (startup.includes('search')) {
        socket.write(WELCOME)
        socket.once('data', () => void socket.write(I_AM_PRIMARY))
      } else {
        socket.end(Buffer.concat([WELCOME, DYING]))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `postgresql://relay@127.0.0.1:${port}/relay`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
