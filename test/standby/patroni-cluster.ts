import { chownSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { findUnprivilegedAccount } from '../../server/dist/database/embedded/account.js'
import { keptPort, until, untilPortAnswers } from '../harness/ports.js'
import { endOf, makeScratch } from '../harness/process.js'
import { PatroniNode, startProgram } from './patroni-node.js'

/** Two PostgreSQLs of which Patroni keeps one the primary, and an etcd that they agree by. */
export interface PatroniCluster {
  readonly nodes: readonly [PatroniNode, PatroniNode]
  /** All hosts. */
  readonly url: string
  /** Waits until commits on the leader wait for the other. */
  findRoles(): Promise<{ leader: PatroniNode; standby: PatroniNode }>
  remove(): Promise<void>
}

async function startEtcd(folder: string): Promise<{ port: number; stop(): Promise<void> }> {
  const [port, peerPort] = [await keptPort(), await keptPort()]
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`]
  const settings = {
    'data-dir': path.join(folder, 'etcd'),
    name: 'etcd',
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `etcd=${peer}`,
  }
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
  const child = startProgram('etcd', args, path.join(folder, 'etcd.log'))
  const ended = endOf(child)
  await untilPortAnswers('etcd', port, ended)
  return {
    port,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

export async function startPatroniCluster(): Promise<PatroniCluster> {
  const scratch = makeScratch()
  const folder = path.join(scratch.folder, 'cluster')
  mkdirSync(folder, { mode: 0o700 })
  const account = findUnprivilegedAccount()
  if (account) chownSync(folder, account.uid, account.gid)
  const etcd = await startEtcd(folder)
  const make = async (name: string): Promise<PatroniNode> =>
    new PatroniNode(name, folder, { postgres: await keptPort(), rest: await keptPort(), etcd: etcd.port })
  const nodes = [await make('left'), await make('right')] as const
  for (const node of nodes) node.start()
  return {
    nodes,
    url: `postgresql://postgres@${nodes.map(({ ports }) => `127.0.0.1:${ports.postgres}`).join()}/postgres`,
    async findRoles() {
      const named = async (role: string): Promise<PatroniNode | undefined> => {
        const roles = await nodes[0].roles()
        return nodes.find(({ name }) => roles[name] === `${role} running`)
      }
      const found = { leader: nodes[0], standby: nodes[1] }
      const agreed = async (): Promise<boolean> => {
        const [leader, standby] = await Promise.all([named('leader'), named('sync_standby')]).catch(() => [])
        if (!leader || !standby) return false
        const [row] = await leader.sql(`select from pg_stat_replication where sync_state = 'sync'`)
        Object.assign(found, { leader, standby })
        return row !== undefined
      }
      await until('the cluster', agreed, nodes[0].ended)
      return found
    },
    async remove() {
      await Promise.all(nodes.map((node) => node.stop()))
      await etcd.stop()
      scratch.remove()
    },
  }
}
