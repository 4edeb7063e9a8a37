import path from 'node:path'
import { run, runWell } from './tools.js'

const NO_PYTHON =
  'these tests need Python 3.11 or newer with its venv module (Debian and Ubuntu: apt-get install python3-venv)'

/**
 * Makes a Python of its own with these packages and no others.
 *
 * @param environment - the folder, which is made
 * @returns its Python; the packages' programs lie beside it
 */
export async function makePythonEnvironment(environment: string, requirements: string): Promise<string> {
  const needed = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
  const found = await run('python3', ['-c', needed]).catch((cause: unknown) => {
    throw new Error(NO_PYTHON, { cause })
  })
  if (found.status !== 0) throw new Error(`${NO_PYTHON}\n${found.output}`)
  await runWell('python3', ['-m', 'venv', environment])
  const python = path.join(environment, 'bin/python')
  await runWell(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements])
  return python
}
