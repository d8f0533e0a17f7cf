import js from '@eslint/js';

const page = [
  'Blob', 'Response', 'TextDecoder', 'URL', 'Worker', 'addEventListener', 'clearTimeout', 'document',
  'fetch', 'localStorage', 'postMessage', 'removeEventListener', 'self', 'setTimeout',
];
const browser = ['document', 'DOMPoint'];
const site = [
  'document', 'Event', 'FocusEvent', 'getComputedStyle', 'MouseEvent', 'navigator', 'URL', 'window',
  'XMLSerializer',
];

export default [
  { ignores: ['_build/', '.venv/', 'book/_static/vendor/'] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: { ecmaVersion: 2021, sourceType: 'module' },
    rules: {
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
      'func-style': ['error', 'declaration', { allowArrowFunctions: true }],
      'max-lines-per-function': ['error', { max: 100, skipComments: true }],
      'no-implicit-globals': 'error',
      'no-shadow': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'prefer-template': 'error',
    },
  },
  {
    files: ['book/_static/live/*.js', 'tools/live_runtime/*.js'],
    languageOptions: {
      ecmaVersion: 2022,
      globals: Object.fromEntries(page.map((name) => [name, 'readonly'])),
    },
  },
  {
    files: ['book/_static/*.js', 'tools/paper/*.js'],
    languageOptions: {
      ecmaVersion: 2022,
      globals: Object.fromEntries(site.map((name) => [name, 'readonly'])),
    },
  },
  {
    files: ['code/**/*.js'],
    languageOptions: { globals: Object.fromEntries(browser.map((name) => [name, 'readonly'])) },
  },
];
