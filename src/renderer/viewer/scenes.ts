import { formatBits, variantKey } from '../../contract/bounds'
import type { Outputs } from '../../contract/outputs'
import type { EvaluatedPicture, PictureView, RunDetails } from '../../contract/runs'
import { largerOf, registration } from '../../core/imaging/registration'
import { nameOf } from '../paths'
import type { Pane, PaneKind, Scene } from './scene'

/** What made a version of a picture. */
export type Maker = Pick<PictureView, 'method' | 'bits'>

/** What a version is called; `isOutdated` where its bounds were changed since it was made. */
export type TitleOf = (maker: Maker, isOutdated: boolean) => string

/** A picture that can be looked at, as the chooser lists it. The id is the same whenever the run is opened. */
export type PictureChoice = { readonly id: string; readonly title: string; readonly set: string | null } & (
  | { readonly kind: 'evaluated'; readonly picture: EvaluatedPicture }
  /** A picture of the user that was enlarged into the run folder: what made it how large. */
  | { readonly kind: 'own'; readonly files: RunDetails['upscaled'] }
  /** A picture of the user that networks enlarge while it is looked at. */
  | { readonly kind: 'input'; readonly path: string }
  /** Pictures without a run. */
  | { readonly kind: 'files'; readonly files: readonly PictureFile[] }
)

/** A picture file and its size. */
export interface PictureFile {
  readonly path: string
  readonly width: number
  readonly height: number
}

/** Of a measured picture. */
export function evaluatedId({ set, name }: { readonly set: string; readonly name: string }): string {
  return `${set}/${name}`
}

/** Of a picture that was enlarged into the run folder. */
export function ownId({ name, width, height }: RunDetails['upscaled'][number]): string {
  return `own/${name}/${width}x${height}`
}

/** Of pictures that were opened together, without a run. */
export const filesId = 'files'

/** What tells a version from others in every picture: `hr`, `fp 32`, `2dquant 4`. */
export function paneIdOf({ method, bits }: Maker): string {
  return method === 'hr' || method === 'lr' || method === 'bicubic' ? method : variantKey({ method, bits })
}

/** All pictures of a run: those the user brought in this session, those that were measured, those that were enlarged. */
export function choicesOf(details: RunDetails, inputs: readonly string[]): readonly PictureChoice[] {
  const measured = details.evaluation?.pictures ?? []
  const own = new Map<string, RunDetails['upscaled']>()
  for (const file of details.upscaled) own.set(ownId(file), [...(own.get(ownId(file)) ?? []), file])
  return [
    ...inputs.map((path) => ({ kind: 'input', id: path, title: nameOf(path), set: null, path }) as const),
    ...measured.map((picture) => {
      return { kind: 'evaluated', id: evaluatedId(picture), title: picture.name, set: picture.set, picture } as const
    }),
    ...[...own].map(([id, files]) => ({ kind: 'own', id, title: files[0]?.name ?? '', set: null, files }) as const)
  ]
}

/** Where the low-resolution file of a picture is that networks can enlarge; null where there is none. */
export function lowResolutionOf({ summary }: RunDetails, choice: PictureChoice): string | null {
  if (choice.kind === 'input') return choice.path
  if (choice.kind !== 'evaluated') return null
  const view = choice.picture.views.find(({ method }) => method === 'lr')
  return view === undefined ? null : fileOf(summary.folder, view.file)
}

/** Ids of the versions that a picture of a run has, or could have made. */
export function versionIdsOf(details: RunDetails, choice: PictureChoice): ReadonlySet<string> {
  if (choice.kind === 'files') return new Set(choice.files.map(({ path }) => path))
  const onDemand =
    lowResolutionOf(details, choice) === null
      ? []
      : ['lr', 'bicubic', paneIdOf(fullPrecision), ...details.variants.map(paneIdOf)]
  const there = choice.kind === 'evaluated' ? choice.picture.views : choice.kind === 'own' ? choice.files : []
  return new Set([...there.map(paneIdOf), ...onDemand])
}

/** The file whose versions have to be made while it is looked at, as they are not all there; null where nothing is missing. */
export function pictureToEnlarge(details: RunDetails, choice: PictureChoice): string | null {
  const file = lowResolutionOf(details, choice)
  if (file === null || choice.kind !== 'evaluated') return file
  const { views } = choice.picture
  const isThere = (maker: Maker): boolean => views.some((view) => paneIdOf(view) === paneIdOf(maker))
  const isMissing = details.variants.some((variant) => !isThere(variant) || isOutdated(details, variant))
  return isMissing || !isThere(fullPrecision) ? file : null
}

const fullPrecision = { method: 'fp', bits: null } as const

/**
 * A picture in all its versions: HR, LR, bicubic, full precision, and the variants in the order of the run.
 *
 * @param outputs what networks make of its low-resolution file on demand; null where nothing is to be made
 */
export function sceneOf(
  details: RunDetails,
  choice: Exclude<PictureChoice, { readonly kind: 'files' }>,
  outputs: Outputs | null,
  titleOf: TitleOf
): Scene | null {
  const panes = panesOf(details, choice, outputs, titleOf)
  return sceneWith(
    { id: choice.id, title: choice.set === null ? choice.title : `${choice.set} · ${choice.title}` },
    panes
  )
}

/** Pictures that were opened without a run; those that do not fit to the first are left out. */
export function filesScene({ id, title, files }: Extract<PictureChoice, { readonly kind: 'files' }>): Scene | null {
  const [first, ...others] = files
  const scene = first === undefined ? null : sceneWith({ id, title }, [filePane(first)])
  return scene === null ? null : withFiles(scene, others)
}

function panesOf(
  details: RunDetails,
  choice: Parameters<typeof sceneOf>[1],
  outputs: Outputs | null,
  titleOf: TitleOf
): readonly Pane[] {
  switch (choice.kind) {
    case 'evaluated':
      return evaluatedPanes(details, choice.picture, outputs, titleOf)
    case 'own':
      return choice.files.map(({ file, method, bits, width, height }) => {
        const source = { kind: 'file', path: fileOf(details.summary.folder, file) } as const
        return { ...pane({ method, bits }, titleOf), source, width, height }
      })
    case 'input':
      if (outputs === null) return []
      return [...lowPanes(choice.path, outputs, titleOf), ...outputPanes(outputs, titleOf)]
  }
}

function evaluatedPanes(
  details: RunDetails,
  { width, height, views }: EvaluatedPicture,
  outputs: Outputs | null,
  titleOf: TitleOf
): readonly Pane[] {
  const { folder, scale } = details.summary
  const made = outputs === null ? [] : outputPanes(outputs, titleOf)
  const measured = views.map((view): Pane => {
    const isOld = view.method !== 'hr' && view.method !== 'lr' && isOutdated(details, view)
    const factor = view.method === 'lr' ? scale : 1
    return {
      ...pane(view, titleOf, isOld),
      source: { kind: 'file', path: fileOf(folder, view.file) },
      width: width / factor,
      height: height / factor,
      // Numbers of other bounds than those it has now would mislead.
      psnr: isOld ? null : view.psnr,
      ssim: isOld ? null : view.ssim
    }
  })
  const low = views.find(({ method }) => method === 'lr')
  const ids = ['hr', 'lr', 'bicubic', paneIdOf(fullPrecision), ...[...details.variants, ...views].map(paneIdOf)]
  const isNew = (id: string): boolean =>
    details.variants.some((variant) => paneIdOf(variant) === id && isOutdated(details, variant))
  return [...new Set(ids)].flatMap((id) => {
    const there = measured.find((each) => each.id === id)
    const onDemand = made.find((each) => each.id === id)
    if (there !== undefined && (onDemand === undefined || !isNew(id))) return [there]
    if (onDemand !== undefined) return [onDemand]
    if (id !== 'bicubic' || low === undefined) return []
    const source = { kind: 'bicubic', path: fileOf(folder, low.file), scale } as const
    return [{ ...pane({ method: 'bicubic', bits: null }, titleOf), source, width, height }]
  })
}

/** The low-resolution picture itself, and its bicubic interpolation. */
function lowPanes(path: string, { width, height, scale }: Outputs, titleOf: TitleOf): readonly Pane[] {
  return [
    { ...pane({ method: 'lr', bits: null }, titleOf), source: { kind: 'file', path }, width, height },
    {
      ...pane({ method: 'bicubic', bits: null }, titleOf),
      source: { kind: 'bicubic', path, scale },
      width: width * scale,
      height: height * scale
    }
  ]
}

function outputPanes({ width, height, scale, columns, rows, outputs }: Outputs, titleOf: TitleOf): readonly Pane[] {
  return outputs.map(({ variant, source, done }) => ({
    ...pane(variant ?? fullPrecision, titleOf),
    source,
    width: width * scale,
    height: height * scale,
    output: { columns, rows, side: source.side, done: new Set(done), failure: null }
  }))
}

type Placed = 'source' | 'width' | 'height'

function pane(maker: Maker, titleOf: TitleOf, isOld = false): Omit<Pane, Placed> {
  const title = titleOf(maker, isOld)
  return { id: paneIdOf(maker), kind: kindOf(maker), title, psnr: null, ssim: null, output: null }
}

function kindOf({ method }: Maker): PaneKind {
  return method === 'hr' || method === 'lr' || method === 'bicubic' || method === 'fp' ? method : 'variant'
}

function filePane({ path, width, height }: PictureFile): Pane {
  const source = { kind: 'file', path } as const
  return { id: path, kind: 'file', title: nameOf(path), source, width, height, psnr: null, ssim: null, output: null }
}

/** A scene of these panes, as large as the largest; null without any. */
function sceneWith(of: Pick<Scene, 'id' | 'title'>, panes: readonly Pane[]): Scene | null {
  const [first, ...others] = panes
  if (first === undefined) return null
  const { width, height } = others.reduce((most, each) => (each.width > most.width ? each : most), first)
  return { ...of, width, height, panes }
}

/** Whether a picture of this size can stand beside those of a scene: all fit into the largest a whole number of times. */
export function fitsBeside(scene: Scene, size: Pick<Pane, 'width' | 'height'>): boolean {
  const largest = largerOf<Pick<Pane, 'width' | 'height'>>(scene, size)
  return [...scene.panes, size].every((each) => registration(largest, each) !== null)
}

/** A scene with these files as further panes; those that do not fit are left out. */
export function withFiles(scene: Scene, files: readonly PictureFile[]): Scene {
  return files.reduce(
    (before, file) =>
      fitsBeside(before, file) && before.panes.every(({ id }) => id !== file.path)
        ? (sceneWith(before, [...before.panes, filePane(file)]) ?? before)
        : before,
    scene
  )
}

/** What of an output is there by now, and why no more comes. */
export interface OutputProgress {
  readonly done: ReadonlySet<string>
  readonly failure: string | null
}

/** A scene whose outputs stand where these say, by the ids of panes. */
export function withProgress(scene: Scene, progress: ReadonlyMap<string, OutputProgress>): Scene {
  const panes = scene.panes.map((each) => {
    const now = progress.get(each.id)
    return each.output === null || now === undefined ? each : { ...each, output: { ...each.output, ...now } }
  })
  return { ...scene, panes }
}

/** Panes in the order that was asked for; those it does not name stay behind them as they are. */
export function inOrder(panes: readonly Pane[], order: readonly string[]): readonly Pane[] {
  const placeOf = ({ id }: Pane): number => (order.includes(id) ? order.indexOf(id) : order.length)
  return panes.toSorted((a, b) => placeOf(a) - placeOf(b))
}

/** What others are compared with: what was chosen, else the high-resolution picture, else full precision, else the first. */
export function referenceOf(panes: readonly Pane[], chosen: string | null): Pane | null {
  return (
    panes.find(({ id }) => id === chosen) ??
    panes.find(({ kind }) => kind === 'hr') ??
    panes.find(({ kind }) => kind === 'fp') ??
    panes[0] ??
    null
  )
}

function isOutdated({ evaluation }: RunDetails, { method, bits }: Maker): boolean {
  return (evaluation?.outdated ?? []).some(
    (each) => each.method === method && formatBits(each.bits) === formatBits(bits)
  )
}

function fileOf(folder: string, file: string): string {
  return `${folder}/${file}`
}
