// Walks through the Dockerfile's stages, each in a scratch folder of its own. For check-image.mjs.
import { cpSync, existsSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { findAccount, start } from './processes.mjs'
import { fail, parseCommand, parseCopy, parseEnv, parseHealthcheck } from './recipe.mjs'

const IMAGE_ONLY = /^(apt-get|useradd|groupadd|adduser|addgroup)\b/
// A build in Docker sees none of this machine's environment: here only what leads to the package registry.
const CARRIED = /^(PATH|HOME)$|PROXY|CERT|CA_BUNDLE/i
const COPIED_WHOLE = { recursive: true, verbatimSymlinks: true }

function say(line) {
  process.stdout.write(`${line}\n`)
}

function placeOf(stage, target) {
  return path.join(stage.folder, path.resolve('/', stage.workdir, target))
}

/** How a command of a stage is started: where, with which environment, as whom. */
export function optionsOf(stage, env) {
  return { cwd: placeOf(stage, '.'), env: { ...env, ...stage.env }, ...(stage.user && findAccount()) }
}

function copyFromContext(source, target, { root, ignored }) {
  const place = path.join(root, source)
  if (!existsSync(place)) fail(`COPY ${source}: the repository has no such path.`)
  let files = 0
  const filter = (from) => {
    const isFolder = statSync(from).isDirectory()
    const relative = path.relative(root, from)
    if (relative && ignored(relative, isFolder)) return false
    if (!isFolder) files += 1
    return true
  }
  cpSync(place, target, { ...COPIED_WHOLE, filter })
  if (files === 0) fail(`COPY ${source}: .dockerignore keeps all of it out of the build.`)
}

function copy(stage, rest, context) {
  const { from, sources, target } = parseCopy(rest)
  const origin =
    from && (context.stages.get(from) ?? fail(`COPY ${rest}: no earlier stage is called ${from}.`))
  for (const source of sources) {
    const place = path.join(origin?.folder ?? context.root, source)
    const isNamed = target.endsWith('/') && existsSync(place) && statSync(place).isFile()
    const goal = placeOf(stage, isNamed ? path.join(target, path.basename(source)) : target)
    if (!origin) copyFromContext(source, goal, context)
    else if (existsSync(place)) cpSync(place, goal, COPIED_WHOLE)
    else fail(`COPY ${rest}: the stage ${from} has no ${source}.`)
  }
}

// The image's account is not known here: what is given to it is given to the one that stands for it.
function translate(command) {
  if (!IMAGE_ONLY.test(command) && !command.startsWith('chown ')) return [command]
  const { uid, gid } = findAccount()
  if (IMAGE_ONLY.test(command) || uid === undefined) {
    say(`  not run here: ${command}`)
    return []
  }
  say(`  run here for the account nobody: ${command}`)
  return [command.replace(/^chown ((?:-R )?)\S+/, (_, flags) => `chown ${flags}${uid}:${gid}`)]
}

async function run(stage, rest) {
  const commands = rest.split(/\s+&&\s+/).flatMap(translate)
  if (commands.length === 0) return
  const carried = Object.fromEntries(Object.entries(process.env).filter(([name]) => CARRIED.test(name)))
  const shell = start('/bin/sh', ['-c', commands.join(' && ')], optionsOf(stage, carried))
  const code = await shell.ended
  if (code !== 0) fail(`RUN ${rest}: ended with ${code}.\n${shell.readOutput()}`)
}

const INSTRUCTIONS = {
  COPY: copy,
  RUN: run,
  WORKDIR(stage, rest) {
    stage.workdir = path.resolve('/', stage.workdir, rest)
    mkdirSync(placeOf(stage, '.'), { recursive: true })
  },
  ENV: (stage, rest) => void Object.assign(stage.env, parseEnv(rest)),
  USER: (stage, rest) => void (stage.user = rest),
  CMD: (stage, rest) => void (stage.command = parseCommand(rest)),
  HEALTHCHECK: (stage, rest) => void (stage.healthcheck = parseHealthcheck(rest)),
  VOLUME: (stage, rest) => void (existsSync(placeOf(stage, rest)) || fail(`VOLUME ${rest}: there is none.`)),
  EXPOSE: () => undefined,
}

function openStage(rest, { stages, scratch }) {
  const [, base, name] = /^(\S+)\s+as\s+(\S+)$/i.exec(rest) ?? fail(`FROM ${rest}: give the stage a name.`)
  const parent = stages.get(base)
  const stage = { workdir: '/', ...parent, name, env: { ...parent?.env }, folder: path.join(scratch, name) }
  if (parent) cpSync(parent.folder, stage.folder, COPIED_WHOLE)
  else mkdirSync(stage.folder)
  stages.set(name, stage)
  if (!parent) say(`  not checked here: ${base}; this machine with its Node ${process.version} stands for it`)
  return stage
}

/**
 * Does what the instructions say.
 *
 * @param context - the repository's root, a scratch folder, and what .dockerignore keeps out
 * @returns the last stage, the one that runs
 */
export async function buildStages(instructions, context) {
  const stages = new Map()
  let stage
  for (const { name, rest } of instructions) {
    const startedAt = Date.now()
    if (name === 'FROM') stage = openStage(rest, { ...context, stages })
    else if (stage && INSTRUCTIONS[name]) await INSTRUCTIONS[name](stage, rest, { ...context, stages })
    else fail(`${name} ${rest}: this check does not know that instruction here.`)
    say(`${stage.name}: ${name} ${rest.replaceAll(/\s+/g, ' ').slice(0, 80)} (${Date.now() - startedAt} ms)`)
  }
  if (!stage?.command || !stage.healthcheck) fail('The last stage needs a CMD and a HEALTHCHECK.')
  if (!stage.user || /^(root|0)(:|$)/.test(stage.user)) fail('The last stage runs as root: give it a USER.')
  return stage
}
