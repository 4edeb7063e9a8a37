import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { freePort, untilPortAnswers } from './ports.js'
import { endOf, makeScratch, REPOSITORY } from './process.js'

const ACCESS_LOG = 'access.log'
const ERROR_LOG = 'error.log'

const compose = z.object({ configs: z.object({ nginx: z.object({ content: z.string() }) }) })

/** The configuration of docker-compose.cluster.yml, for other addresses and logs, and without TLS. */
function adapt(folder: string, port: number, upstreams: readonly string[]): string {
  const file = readFileSync(path.join(REPOSITORY, 'docker-compose.cluster.yml'), 'utf8')
  const { content } = compose.parse(parseYaml(file, { merge: true })).configs.nginx
  const left = [...upstreams]
  return content
    .replaceAll('$$', '$')
    .replaceAll('/var/log/nginx', folder)
    .replace(/^ *ssl_certificate.*\n/gm, '')
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
    .replace(/^ *server \d.*\n/gm, (line) => {
      const address = left.shift()
      return address === undefined ? '' : line.replace(/[\d.]+:\d+/, address)
    })
}

function configure(folder: string, port: number, upstreams: readonly string[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${path.join(folder, name)};`)
    .join('\n  ')
  return `
daemon off;
worker_processes 1;
pid ${path.join(folder, 'nginx.pid')};
error_log ${path.join(folder, 'start.log')};
events { worker_connections 4096; }
http {
  ${temporary}
  ${adapt(folder, port, upstreams)}
}
`
}

/** An nginx of a suite's own in front of some servers. */
export class TestNginx {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly removeFiles: () => void,
    readonly base: string,
  ) {}

  /** @param upstreams - host:port of each */
  static async start(upstreams: readonly string[]): Promise<TestNginx> {
    const port = await freePort()
    const { folder, remove } = makeScratch()
    const file = path.join(folder, 'nginx.conf')
    writeFileSync(file, configure(folder, port, upstreams))
    const child = spawn('nginx', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] })
    const nginx = new TestNginx(child, folder, remove, `http://127.0.0.1:${port}`)
    await untilPortAnswers('nginx', port, endOf(child))
    return nginx
  }

  /** Everything that it wrote down. */
  logs(): string {
    return [ACCESS_LOG, ERROR_LOG].map((name) => readFileSync(path.join(this.folder, name), 'utf8')).join('')
  }

  /** For each answer since the start that was no success, the instances that it was asked of. */
  failedUpstreams(): string[][] {
    const lines = readFileSync(path.join(this.folder, ACCESS_LOG), 'utf8').trimEnd().split('\n')
    return lines
      .map((line) => line.split(/,? /))
      .filter(([, , status]) => !status?.startsWith('2'))
      .map(([, , , , ...addresses]) => addresses)
  }

  async stop(): Promise<void> {
    const ended = endOf(this.child)
    this.child.kill('SIGTERM')
    await ended
    this.removeFiles()
  }
}
