import { describe, expect, it } from 'vitest'
import { planSchema, type Plan } from '../../src/contract/plan'
import { loadModel } from '../../src/engine/model-file'
import { plannedBits, plannedSites, wholePlan } from '../../src/engine/plan'
import { bundledModel } from '../cli/run-cli'

const { model } = await loadModel(bundledModel)
const bits = { weight: 4, activation: 4 } as const
const block = 'layers.0.residual_group.blocks.0.'
const one = `${block}mlp.fc1.weight`
const ofBlock = plannedSites(model, false, null).flatMap(({ name }) => (name.startsWith(block) ? [name] : []))

/** The bits of the quantizers of a block; those in full precision are not in it. */
function planned(...quantizers: Plan['quantizers']): Readonly<Record<string, number>> {
  const plan: Plan = { schema: 1, quantizers }
  const sites = plannedSites(model, false, plan).filter(({ name }) => name.startsWith(block))
  return Object.fromEntries(sites.map((site) => [site.name, plannedBits(site, bits, plan)]))
}

describe('of the entries of a plan later ones win', () => {
  const none = { name: `${block}*`, quantize: false }

  it('also where one gives bits to what another left in full precision', () => {
    expect(ofBlock).toContain(one)
    expect(planned(none)).toEqual({})
    expect(planned(none, { name: one, bits: 8 })).toEqual({ [one]: 8 })
    expect(planned(none, { name: one, quantize: true })).toEqual({ [one]: 4 })
    expect(planned(none, { name: one, bits: 8, quantize: true })).toEqual({ [one]: 8 })
  })

  it('and where one leaves in full precision what another gave bits', () => {
    expect(planned({ name: one, bits: 8 }, none)).toEqual({})
    expect(planned(none, { name: one, bits: 8, quantize: false })).toEqual({})
    const others = Object.fromEntries(ofBlock.filter((name) => name !== one).map((name) => [name, 8]))
    expect(planned({ name: `${block}*`, bits: 8 }, { name: one, quantize: false })).toEqual(others)
  })

  it('and one that says nothing changes nothing', () => {
    expect(planned(none, { name: one })).toEqual({})
    expect(planned({ name: one, bits: 8 }, { name: one })).toMatchObject({ [one]: 8 })
  })
})

describe('a whole plan', () => {
  const namesOf = (plan: Plan | null): readonly string[] => plannedSites(model, false, plan).map(({ name }) => name)

  it('changes nothing', () => {
    const plan = planSchema.parse(wholePlan(model, false, null))
    expect(plan.quantizers.find(({ quantize }) => quantize)).toEqual({
      name: `${block}attn.qkv.q.weight`,
      kind: 'weight',
      shape: [32, 32],
      quantize: true
    })
    expect(namesOf(plan)).toEqual(namesOf(null))
    const kept = planSchema.parse(wholePlan(model, false, { schema: 1, quantizers: [{ name: one, bits: 8 }] }))
    expect(kept.quantizers.filter((entry) => entry.bits !== undefined)).toMatchObject([{ name: one, bits: 8 }])
  })

  it('lists what is usually left, which it alone has quantized, and only by its name', () => {
    const whole = wholePlan(model, false, null)
    const left = whole.quantizers.filter(({ quantize }) => quantize === false).map(({ name }) => name)
    const convolutions = ['conv_first', 'layers.0.conv', 'layers.1.conv', 'conv_after_body', 'upsample.0']
    expect(left).toEqual(convolutions.flatMap((name) => [`${name}.weight`, `${name}.input`]))
    expect(namesOf({ schema: 1, quantizers: [{ name: '*', bits: 8 }] })).toEqual(namesOf(null))
    const edited = whole.quantizers.map((entry) =>
      entry.name === 'conv_first.weight' ? { ...entry, quantize: true } : entry
    )
    expect(namesOf({ schema: 1, quantizers: edited })).toEqual(['conv_first.weight', ...namesOf(null)])
  })
})
