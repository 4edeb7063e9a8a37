import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { REPOSITORY } from '../harness/process.js'

const front = z.object({ front: z.object({ ipv4_address: z.string() }) })
const instance = z.object({
  environment: z.record(z.string(), z.string()),
  networks: front,
  stop_grace_period: z.string(),
})
const compose = z.object({
  services: z.object({
    nginx: z.object({ networks: front }),
    'server-1': instance,
    'server-2': instance,
    'server-3': instance,
  }),
  configs: z.object({ nginx: z.object({ content: z.string() }) }),
})

const file = readFileSync(path.join(REPOSITORY, 'docker-compose.cluster.yml'), 'utf8')
const { services, configs } = compose.parse(parse(file, { merge: true }))
const instances = [services['server-1'], services['server-2'], services['server-3']]

describe('docker-compose.cluster.yml', () => {
  it('has nginx pass requests to the three instances, at the addresses that they keep', () => {
    const upstream = [...configs.nginx.content.matchAll(/^ *server ([\d.]+):(\d+) /gm)]
    expect(upstream.map(([, address]) => address)).toEqual(
      instances.map(({ networks }) => networks.front.ipv4_address),
    )
    expect(upstream.map(([, , port]) => port)).toEqual(
      instances.map(({ environment }) => environment['PORT']),
    )
  })

  it('has instances believe nginx, and nobody else', () => {
    const { ipv4_address: nginx } = services.nginx.networks.front
    expect(instances.map(({ environment }) => environment['TRUST_PROXY'])).toEqual([nginx, nginx, nginx])
    expect(configs.nginx.content).toContain('proxy_set_header X-Forwarded-Proto https;')
  })

  it('leaves an instance more time to end than it takes', () => {
    for (const { stop_grace_period: grace } of instances)
      expect(Number.parseInt(grace, 10)).toBeGreaterThan(20)
  })

  it('leaves none of nginx’s variables to Compose', () => {
    expect(configs.nginx.content.replaceAll('$$', '')).not.toContain('$')
  })
})
