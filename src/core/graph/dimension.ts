import { StudioError } from '../errors'

/**
 * Sizes of tensors that may depend on quantities known only at run time, such as the batch or the height of a picture.
 *
 * A dimension is a plain number or a polynomial with integer coefficients over atoms; an atom is a named symbol
 * (`height`) or a rounded-down quotient that does not divide evenly (`floor((height+7)/8)`). Polynomials are kept in
 * one canonical form, so that two dimensions are equal exactly when they print alike.
 */
export type Dimension = number | Expression

/** A polynomial that is not a plain number. */
export interface Expression {
  readonly terms: readonly Term[]
}

/** coefficient × product of atoms; atoms sorted by what they print. */
interface Term {
  readonly coefficient: number
  readonly atoms: readonly Atom[]
}

type Atom =
  /** The quantity divided by its unit, a whole number. */
  | { readonly kind: 'symbol'; readonly name: string; readonly unit: number }
  | { readonly kind: 'floor'; readonly numerator: Dimension; readonly denominator: Dimension }

/**
 * The dimension that stands for a quantity named `name`, a letter followed by letters, digits and underscores. Where only
 * multiples of `unit` occur, it divides by the unit's factors without rounding. A name has one unit within a graph.
 */
export function symbol(name: string, unit = 1): Dimension {
  return { terms: [{ coefficient: unit, atoms: [{ kind: 'symbol', name, unit }] }] }
}

/** a + b. */
export function add(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return a + b
  return canonical([...termsOf(a), ...termsOf(b)])
}

/** a − b. */
export function subtract(a: Dimension, b: Dimension): Dimension {
  return add(a, multiply(b, -1))
}

/** a · b. */
export function multiply(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return a * b
  const products = termsOf(a).flatMap((x) =>
    termsOf(b).map((y) => ({ coefficient: x.coefficient * y.coefficient, atoms: [...x.atoms, ...y.atoms] }))
  )
  return canonical(products)
}

/** a / b rounded down; exact wherever b divides a as polynomials. */
export function divideFloor(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b)
  if (format(a) === format(b)) return 1
  const [divisor, ...more] = termsOf(b)
  if (divisor !== undefined && more.length === 0) {
    const quotients: Term[] = []
    const rest: Term[] = []
    for (const term of termsOf(a)) {
      const quotient = divideTerm(term, divisor)
      if (quotient === null) rest.push(term)
      else quotients.push(quotient)
    }
    const remainder = canonical(rest)
    if (remainder === 0) return canonical(quotients)
    // A whole number of divisors may be taken out before rounding: (8·rows + 7) / 8 = rows + floor(7 / 8).
    if (quotients.length > 0) return add(canonical(quotients), divideFloor(remainder, b))
  } else {
    const quotient = divideExactly(a, b)
    if (quotient !== null) return quotient
  }
  return { terms: [{ coefficient: 1, atoms: [{ kind: 'floor', numerator: a, denominator: b }] }] }
}

/** a modulo b for b > 0, with the sign of b as in ONNX's Mod. */
export function modulo(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return a - b * Math.floor(a / b)
  return subtract(a, multiply(b, divideFloor(a, b)))
}

/** Whether a dimension is a whole number whatever its symbols stand for. */
export function isWhole(dimension: Dimension): boolean {
  return termsOf(dimension).every(({ coefficient }) => Number.isInteger(coefficient))
}

/** Whether two dimensions are equal whatever their symbols stand for. */
export function sameDimension(a: Dimension, b: Dimension): boolean {
  if (typeof a === 'number' || typeof b === 'number') return a === b
  return a === b || format(a) === format(b)
}

/** Whether two shapes have equal dimensions. */
export function sameShape(a: readonly Dimension[], b: readonly Dimension[]): boolean {
  return a.length === b.length && a.every((dimension, i) => sameDimension(dimension, b[i] ?? NaN))
}

/** The product of all dimensions; 1 for a scalar. */
export function product(dimensions: readonly Dimension[]): Dimension {
  return dimensions.reduce<Dimension>(multiply, 1)
}

/**
 * The dimension with every symbol replaced that `bindings` names.
 *
 * @throws StudioError ('refused') where a quantity is no multiple of its unit
 */
export function bind(dimension: Dimension, bindings: ReadonlyMap<string, number>): Dimension {
  if (typeof dimension === 'number') return dimension
  let sum: Dimension = 0
  for (const term of dimension.terms) {
    let value: Dimension = term.coefficient
    for (const atom of term.atoms) {
      value = multiply(
        value,
        atom.kind === 'symbol'
          ? boundSymbol(atom, bindings.get(atom.name))
          : divideFloor(bind(atom.numerator, bindings), bind(atom.denominator, bindings))
      )
    }
    sum = add(sum, value)
  }
  return sum
}

function boundSymbol(atom: Extract<Atom, { kind: 'symbol' }>, value: number | undefined): Dimension {
  const { name, unit } = atom
  if (value === undefined) return { terms: [{ coefficient: 1, atoms: [atom] }] }
  if (value % unit === 0) return value / unit
  throw new StudioError('refused', `The ${name} ${value} is no multiple of ${unit}, as this network needs it.`)
}

/** The number a dimension is under `bindings`. Throws where a symbol stays free. */
export function evaluateDimension(dimension: Dimension, bindings: ReadonlyMap<string, number> = new Map()): number {
  const value = bind(dimension, bindings)
  if (typeof value !== 'number') throw new Error(`The dimension ${format(dimension)} is not a number yet`)
  return value
}

/** How a dimension reads, e.g. `4*height`; canonical. */
export function format(dimension: Dimension): string {
  if (typeof dimension === 'number') return String(dimension)
  return dimension.terms
    .map((term, i) => `${term.coefficient < 0 ? '-' : i > 0 ? '+' : ''}${formatTerm(term)}`)
    .join('')
}

/** A term without its sign; units stand below the line: `height/8`. */
function formatTerm({ coefficient, atoms }: Term): string {
  const units = atoms.reduce((sum, atom) => sum * (atom.kind === 'symbol' ? atom.unit : 1), 1)
  const shared = greatestDivisor(Math.abs(coefficient), units)
  const [above, below] = [Math.abs(coefficient) / shared, units / shared]
  const factors = [...(above === 1 && atoms.length > 0 ? [] : [String(above)]), ...atoms.map(formatAtom)]
  return `${factors.join('*')}${below === 1 ? '' : `/${below}`}`
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

function formatAtom(atom: Atom): string {
  if (atom.kind === 'symbol') return atom.name
  return `floor((${format(atom.numerator)})/(${format(atom.denominator)}))`
}

function termsOf(dimension: Dimension): readonly Term[] {
  return typeof dimension === 'number' ? [{ coefficient: dimension, atoms: [] }] : dimension.terms
}

function divideTerm(term: Term, divisor: Term): Term | null {
  if (divisor.coefficient === 0 || term.coefficient % divisor.coefficient !== 0) return null
  const atoms = [...term.atoms]
  for (const atom of divisor.atoms) {
    const at = atoms.findIndex((candidate) => formatAtom(candidate) === formatAtom(atom))
    if (at < 0) return null
    atoms.splice(at, 1)
  }
  return { coefficient: term.coefficient / divisor.coefficient, atoms }
}

/** The quotient of two polynomials where nothing is left over, else null. */
function divideExactly(a: Dimension, b: Dimension): Dimension | null {
  const divisor = leadingTerm(b)
  let quotient: Dimension = 0
  let rest = a
  while (rest !== 0) {
    const step = divideTerm(leadingTerm(rest), divisor)
    if (step === null) return null
    const part = canonical([step])
    quotient = add(quotient, part)
    rest = subtract(rest, multiply(part, b))
  }
  return quotient
}

/** The term that is highest by its number of atoms, then by their names: an order that multiplication keeps. */
function leadingTerm(dimension: Dimension): Term {
  return termsOf(dimension).reduce((highest, term) => (isHigher(term, highest) ? term : highest))
}

function isHigher(a: Term, b: Term): boolean {
  if (a.atoms.length !== b.atoms.length) return a.atoms.length > b.atoms.length
  const other = b.atoms.map(formatAtom)
  const names = a.atoms.map(formatAtom)
  const at = names.findIndex((name, i) => name !== other[i])
  return at >= 0 && (names[at] ?? '') < (other[at] ?? '')
}

function canonical(terms: readonly Term[]): Dimension {
  const collected = new Map<string, Term>()
  for (const term of terms) {
    const atoms = [...term.atoms].sort((a, b) => (formatAtom(a) < formatAtom(b) ? -1 : 1))
    const key = atoms.map(formatAtom).join('*')
    const coefficient = (collected.get(key)?.coefficient ?? 0) + term.coefficient
    if (coefficient === 0) collected.delete(key)
    else collected.set(key, { coefficient, atoms })
  }
  // Constants last, otherwise by name: the order is part of the canonical form.
  const sorted = [...collected]
    .sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1))
    .map(([, term]) => term)
  const [only] = sorted
  if (only === undefined) return 0
  if (sorted.length === 1 && only.atoms.length === 0) return only.coefficient
  return { terms: sorted }
}
