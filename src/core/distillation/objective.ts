import { StudioError } from '../errors'
import { GraphBuilder, type Value } from '../graph/builder'
import { evaluateDimension } from '../graph/dimension'
import { differentiate, gradientOf } from '../graph/gradients/differentiate'
import { foldConstants } from '../graph/fold'
import { int, ownDomain, type Graph, type GraphInput, type Node } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { pictureInput, pictureOutput } from '../models/model'
import { lowerQuantizers } from '../quantization/lowering'
import { boundsInput, placeQuantizers, type QuantizerSite } from '../quantization/placement'

/** How student and teacher are compared (method notes, section 3). */
export type LossKind = 'released' | 'paper' | 'corrected'

/** What is minimised. */
export interface Objective {
  readonly loss: LossKind
  /** Values of the network that are compared beside its output. */
  readonly features: readonly string[]
}

/** The input of a distillation graph that weights the feature term. */
export const featureWeightInput = 'distillation.feature_weight'

/** What a value of the student is called in the teacher. */
const ofTeacherName = (value: string): string => `teacher/${value}`

/** Outputs of a distillation graph, all scalars but the gradient [rows, 2] and the two pictures. */
export const distillationOutputs = {
  outputLoss: 'distillation.output_loss',
  /** Already weighted. */
  featureLoss: 'distillation.feature_loss',
  picture: pictureOutput,
  teacherPicture: ofTeacherName(pictureOutput),
  boundsGradient: gradientOf(boundsInput)
} as const

const totalLoss = 'distillation.loss'

/**
 * Teacher, student, losses and the gradients of all bounds (and, where wanted, of weights) in one graph.
 *
 * - `released`, as the authors' code computes it: mean |O − Oq| divided once more by the elements of one output; the mean
 *   of squared differences of features over B·B pairs of samples and normalizers, divided once more by its elements;
 * - `paper`, equations 4 and 5: mean |O − Oq| and Σ ‖F/‖F‖ − Fq/‖Fq‖‖₂ divided by the elements of a feature;
 * - `corrected`: mean |O − Oq| and Σ ‖F − Fq‖₂ / ‖F‖₂ per sample.
 *
 * The feature term counts λ times. Norms by which features are divided pass no gradient on, as in the authors' code.
 *
 * @param graph the full-precision network, of fixed size, batch included
 * @param trained names of constants that are trained as well; the teacher keeps them
 * @returns inputs `lr`, `bounds`, `levels`, λ and the trained weights; outputs `distillationOutputs` and the gradients of
 *   the weights
 */
export function distillationGraph(
  graph: Graph,
  sites: readonly QuantizerSite[],
  { loss, features }: Objective,
  trained: readonly string[] = []
): Graph {
  const teacher = foldConstants(graph)
  const types = inferShapes(teacher)
  const missing = features.find((feature) => !types.has(feature))
  if (missing !== undefined) throw new StudioError('refused', `The network has no value "${missing}" to compare.`)
  const sizesOf = (value: string): number[] => (types.get(value)?.shape ?? []).map((size) => evaluateDimension(size))

  const student = placeQuantizers(foldConstants(withInputs(graph, trained)), sites)
  const builder = GraphBuilder.rewriting(student)
  for (const node of student.nodes) builder.append(node)
  // What the student changes, or computes from what it changes, the teacher has under a name of its own.
  const shared = new Set([pictureInput, '', ...student.initializers.keys()])
  const ofTeacher = (value: string): string => (shared.has(value) ? value : ofTeacherName(value))
  for (const [name, tensor] of teacher.initializers) if (!shared.has(name)) builder.constant(tensor, ofTeacher(name))
  for (const node of teacher.nodes) builder.append(renamed(node, ofTeacher))

  const terms = lossTerms(builder, loss)
  const outputLoss = terms.output(ofTeacher(pictureOutput), pictureOutput, sizesOf(pictureOutput))
  const featureLosses = features.map((feature) => terms.feature(ofTeacher(feature), feature, sizesOf(feature)))
  const { outputLoss: outputName, featureLoss: featureName, teacherPicture } = distillationOutputs
  builder.apply('Identity', [outputLoss], {}, outputName)
  const sum = featureLosses.length === 0 ? builder.scalar(0) : builder.apply('Sum', featureLosses)
  builder.multiply(sum, builder.input(featureWeightInput, []), featureName)
  builder.add(outputName, featureName, totalLoss)
  const combined = builder.build([outputName, featureName, pictureOutput, teacherPicture])
  return lowerQuantizers(differentiate(combined, totalLoss, [boundsInput, ...trained]))
}

/** The graph with constants turned into inputs of the same names. */
function withInputs(graph: Graph, names: readonly string[]): Graph {
  const initializers = new Map(graph.initializers)
  const inputs = names.map((name): GraphInput => {
    const tensor = initializers.get(name)
    if (tensor === undefined) throw new StudioError('refused', `The network has no weight "${name}" to train.`)
    initializers.delete(name)
    return { name, type: tensor.type, shape: tensor.shape }
  })
  return { ...graph, inputs: [...graph.inputs, ...inputs], initializers }
}

function renamed(node: Node, rename: (value: string) => string): Node {
  return { ...node, name: ofTeacherName(node.name), inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }
}

/** Appends the loss between a teacher's and a student's value; `sizes` is their shape, the batch first. */
type LossTerm = (teacher: Value, student: Value, sizes: readonly number[]) => Value

function lossTerms(builder: GraphBuilder, kind: LossKind): { readonly output: LossTerm; readonly feature: LossTerm } {
  const mean = (value: Value): Value => builder.apply('ReduceMean', [value], { keepdims: int(0) })
  const axesOfSample = (sizes: readonly number[]): Value => builder.integers(sizes.slice(1).map((_, i) => i + 1))
  const elements = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1)
  const perSample = (sizes: readonly number[]): number => elements(sizes.slice(1))
  const square = (value: Value): Value => builder.multiply(value, value)
  /** ‖x‖₂ of each sample, [batch, 1, …]; what is added keeps its gradient finite where x is 0. */
  const norm = (x: Value, sizes: readonly number[]): Value => {
    const sum = builder.apply('ReduceSum', [square(x), axesOfSample(sizes)], { keepdims: int(1) })
    return builder.apply('Sqrt', [builder.add(sum, builder.scalar(1e-24))])
  }
  const constant = (x: Value): Value => builder.apply('StopGradient', [x], {}, undefined, ownDomain)
  const scaled = (x: Value, factor: number): Value => builder.multiply(x, builder.scalar(factor))
  const meanAbsolute: LossTerm = (teacher, student) => mean(builder.apply('Abs', [builder.subtract(student, teacher)]))

  switch (kind) {
    case 'released':
      return {
        output: (teacher, student, sizes) => scaled(meanAbsolute(teacher, student, sizes), 1 / perSample(sizes)),
        feature: (teacher, student, sizes) => {
          const [batch = 1] = sizes
          // Every sample is divided by the norm of every other one: [batch, 1, …] becomes [batch, 1, 1, …].
          const across = (x: Value): Value => {
            const norms = builder.reshape(constant(norm(x, sizes)), [batch, ...sizes.map(() => 1)])
            return builder.divide(x, norms)
          }
          const difference = builder.subtract(across(student), across(teacher))
          return scaled(mean(square(difference)), 1 / (batch * elements(sizes)))
        }
      }
    case 'paper':
      return {
        output: meanAbsolute,
        feature: (teacher, student, sizes) => {
          const unit = (x: Value): Value => builder.divide(x, constant(norm(x, sizes)))
          const distance = norm(builder.subtract(unit(student), unit(teacher)), sizes)
          return scaled(mean(distance), 1 / perSample(sizes))
        }
      }
    case 'corrected':
      return {
        output: meanAbsolute,
        feature: (teacher, student, sizes) => {
          const distance = norm(builder.subtract(student, teacher), sizes)
          return mean(builder.divide(distance, constant(norm(teacher, sizes))))
        }
      }
  }
}
