import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePort, untilPortAnswers } from './ports.js'
import { endOf, makeScratch } from './process.js'

/** As the README has it, but for the places of its files. */
function configure(folder: string, port: number, upstreams: readonly string[]): string {
  const servers = upstreams.map((address) => `server ${address} max_fails=0;`).join('\n    ')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${path.join(folder, name)};`)
    .join('\n  ')
  return `
daemon off;
worker_processes 1;
pid ${path.join(folder, 'nginx.pid')};
error_log ${path.join(folder, 'error.log')};
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary}
  upstream relay {
    ${servers}
    keepalive 32;
    keepalive_timeout 3s;
  }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 2m;
    location / {
      proxy_pass http://relay;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto https;
      proxy_connect_timeout 2s;
    }
  }
}
`
}

/** An nginx of a suite's own in front of some servers. */
export class TestNginx {
  private constructor(
    private readonly child: ChildProcess,
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
    const nginx = new TestNginx(child, remove, `http://127.0.0.1:${port}`)
    await untilPortAnswers('nginx', port, endOf(child))
    return nginx
  }

  async stop(): Promise<void> {
    const ended = endOf(this.child)
    this.child.kill('SIGTERM')
    await ended
    this.removeFiles()
  }
}
