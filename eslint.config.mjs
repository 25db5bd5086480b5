import js from '@eslint/js'
import globals from 'globals'
import ts from 'typescript-eslint'

/** Style and safety. Which layer may import which is in eslint.imports.config.mjs. */
export default ts.config(
  { ignores: ['out/', 'release/', 'node_modules/', 'runs/', 'demo/', 'test/golden/', '.scratch/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [ts.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // It asks for `!`, which is forbidden; a cast is rare and says why.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Builders and event sinks are passed around as objects of closures.
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use a union of literals.' },
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' }
      ],
      eqeqeq: 'error'
    }
  },
  {
    files: ['*.config.ts'],
    rules: { 'no-restricted-syntax': 'off' }
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: globals.node }
  }
)
