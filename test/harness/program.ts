import { spawn } from 'node:child_process'
import path from 'node:path'
import { REPOSITORY } from './process.js'

/** Runs a program of the server's that ends by itself, with these settings and no others. @returns what it said */
export function runProgram(name: string, settings: Record<string, string>, cwd: string): Promise<string> {
  const child = spawn(process.execPath, [path.join(REPOSITORY, `server/dist/${name}.js`)], {
    env: { PATH: process.env['PATH'], ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd,
  })
  let said = ''
  for (const output of [child.stdout, child.stderr])
    output.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(said)
      else reject(new Error(`${name} ended with ${code}:\n${said}`))
    })
  })
}
