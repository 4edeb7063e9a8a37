import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { z } from 'zod'
import { REPOSITORY } from '../harness/process.js'

export interface Ran {
  readonly status: number | null
  /** Standard output and error, as they came. */
  readonly output: string
}

export interface RunOptions {
  readonly cwd?: string
  /** Added to this process's own. */
  readonly env?: Record<string, string>
  /** It is ended then, if it has not by itself. */
  readonly timeoutMs?: number
}

/** Runs a program to its end, whatever that is. */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env, timeoutMs }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd && { cwd }),
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, output }))
  })
}

/** Runs a program that must succeed, and gives what it wrote. */
export async function runWell(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { status, output } = await run(command, args, options)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${output}`)
  return output
}

const manifest = z.object({ version: z.string() })

export interface Compiler {
  readonly version: string
  /** Compiles programs of a folder as strictly as a careful user would; gives what it says. */
  readonly compile: (
    folder: string,
    programs: readonly string[],
    options?: Record<string, unknown>,
  ) => Promise<string>
}

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  module: 'nodenext',
  target: 'es2022',
  // What tRPC's own declarations ask for: the web's types and Disposable, nothing of Node.
  lib: ['es2022', 'dom', 'dom.iterable', 'esnext.disposable'],
  types: [],
  skipLibCheck: true,
}

/** Where a package lies that a folder's files import. */
export function packageOf(folder: string, name: string): string {
  return path.dirname(createRequire(path.join(folder, 'package.json')).resolve(`${name}/package.json`))
}

/** The TypeScript that a folder's files get. */
export function compilerOf(folder: string): Compiler {
  const found = packageOf(folder, 'typescript')
  const { version } = manifest.parse(JSON.parse(readFileSync(path.join(found, 'package.json'), 'utf8')))
  const tsc = path.join(found, 'bin/tsc')
  const compile: Compiler['compile'] = async (cwd, files, options = {}) => {
    const project = `tsconfig.${version}.json`
    const compilerOptions = { ...STRICT, ...options }
    writeFileSync(path.join(cwd, project), JSON.stringify({ compilerOptions, files }))
    const { output } = await run(process.execPath, [tsc, '--pretty', 'false', '--project', project], { cwd })
    return output
  }
  return { version, compile }
}

export const CLIENTS = path.join(REPOSITORY, 'test/clients')

/** The lines of a program that are marked `// refused`, with the words that the compiler must say of them. */
export function refusalsIn(file: string): { where: string; words: string }[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.flatMap((text, index) => {
    const words = /\/\/ refused: (.+)$/.exec(text)?.[1]
    return words === undefined ? [] : [{ where: `${path.basename(file)}:${index + 1}`, words }]
  })
}

/** What tsc said, and where. What it said of no file is in it too. */
export function errorsIn(output: string): { where: string; words: string }[] {
  const said = output.split(/\n(?! )/).filter((text) => text !== '')
  return said.map((text) => {
    const [, file, line, words] = /^(\S+)\((\d+),\d+\): error (TS.*)$/s.exec(text) ?? []
    return file === undefined ? { where: '', words: text } : { where: `${file}:${line}`, words: words ?? '' }
  })
}

/** The programs in one language that a Markdown file prints. */
export function codeBlocks(file: string, language: string): string[] {
  const blocks = readFileSync(file, 'utf8').matchAll(/^```(\w+)\n(.*?)^```$/gms)
  return [...blocks].flatMap(([, name, text]) => (name === language && text !== undefined ? [text] : []))
}
