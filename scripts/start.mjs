// `pnpm start`: builds what changed, then becomes the server.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const build = fileURLToPath(new URL('build.mjs', import.meta.url))
const { status } = spawnSync(process.execPath, [build, 'packages/api', 'server'], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)
await import('../server/dist/main.js')
