#!/usr/bin/env node
import { ensureBuilt } from '../scripts/build.mjs'

await ensureBuilt()
await import('../out/cli.mjs')
