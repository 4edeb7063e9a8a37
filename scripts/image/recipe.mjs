// Reads the Dockerfile and .dockerignore, as far as this repository uses them. For check-image.mjs.

export const fail = (sentence) => {
  throw new Error(sentence)
}

/** The Dockerfile's instructions, without comments, continued lines joined. */
export function parseDockerfile(text) {
  const lines = text.split('\n').filter((line) => line.trim() && !/^\s*#/.test(line))
  return lines
    .join('\n')
    .replaceAll(/\\[ \t]*\n/g, '')
    .split('\n')
    .map((line) => {
      const [, name = '', rest = ''] = /^\s*([A-Za-z]+)\s+(.*)$/.exec(line) ?? []
      return { name: name.toUpperCase(), rest: rest.trim() }
    })
}

/** `COPY`: the stage it takes from (none: the build context), what, and where to. */
export function parseCopy(rest) {
  const words = rest.split(/\s+/)
  const flags = words.filter((word) => word.startsWith('--'))
  if (flags.some((flag) => !flag.startsWith('--from=')) || /[*?["$]/.test(rest))
    fail(`COPY ${rest}: this check knows plain paths and --from only.`)
  const sources = words.filter((word) => !word.startsWith('--'))
  const target = sources.pop()
  if (sources.length === 0) fail(`COPY ${rest}: say what to copy, and where to.`)
  return { from: flags[0]?.slice('--from='.length), sources, target }
}

/** `ENV`: names and values. */
export function parseEnv(rest) {
  const pairs = rest.split(/\s+/).map((pair) => /^(\w+)=([^"'$\\]*)$/.exec(pair))
  if (pairs.includes(null))
    fail(`ENV ${rest}: this check knows NAME=value without quotes and variables only.`)
  return Object.fromEntries(pairs.map(([, name, value]) => [name, value]))
}

/** `CMD` as a list: behind a shell the server would not get SIGTERM. */
export function parseCommand(rest) {
  if (!rest.startsWith('[')) fail(`CMD ${rest}: make it a list, so that signals reach the server itself.`)
  return JSON.parse(rest)
}

/** `HEALTHCHECK`: the command of its shell form. */
export function parseHealthcheck(rest) {
  const [, command] = /^(?:--\S+\s+)*CMD\s+([^[\s].*)$/.exec(rest) ?? []
  return command ?? fail(`HEALTHCHECK ${rest}: this check knows CMD and a shell command only.`)
}

function toExpression(pattern) {
  if (/[[\]\\]/.test(pattern)) fail(`.dockerignore: this check does not know patterns such as ${pattern}.`)
  const wild = { '**/': '(.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' }
  const source = pattern.replaceAll(/\*\*\/|\*\*|[*?.+^${}()|]/g, (part) => wild[part] ?? `\\${part}`)
  return new RegExp(`^${source}$`)
}

/**
 * What .dockerignore keeps out: the last pattern that matches a path, or a folder above it, decides; and a folder is
 * entered for what a `!` pattern keeps below it.
 */
export function parseIgnore(text) {
  const lines = text.split('\n').map((line) => line.trim())
  const patterns = lines
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => ({
      kept: line.startsWith('!'),
      path: line.replace(/^!/, '').replaceAll(/^\/+|\/+$/g, ''),
    }))
    .map((pattern) => ({ ...pattern, expression: toExpression(pattern.path) }))
  return (file, isFolder = false) => {
    const steps = file.split('/').map((_, index, all) => all.slice(0, index + 1).join('/'))
    const decisive = patterns.findLast(({ expression }) => steps.some((step) => expression.test(step)))
    if (!decisive || decisive.kept) return false
    return !(isFolder && patterns.some(({ kept, path }) => kept && path.startsWith(`${file}/`)))
  }
}
