import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ENTRY = fileURLToPath(new URL('page.ts', import.meta.url))
const PAGE = '<!doctype html><title>A page that listens</title><script type="module" src="/page.js"></script>'

/** The page's script with all that it imports. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  })
  return outputFiles.map(({ text }) => text).join('')
}

/** Serves the page, at an origin of its own. */
export class Site {
  private constructor(
    private readonly server: http.Server,
    readonly origin: string,
  ) {}

  static async start(): Promise<Site> {
    const script = await bundle()
    const server = http.createServer(({ url }, res) => {
      if (url === '/') res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE)
      else if (url === '/page.js') res.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
      else res.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (!address || typeof address === 'string') throw new Error('The site has no port.')
    return new Site(server, `http://127.0.0.1:${address.port}`)
  }

  stop(): void {
    this.server.close()
    this.server.closeAllConnections()
  }
}
