// The figure of a sentence: which shades, which letters and which words belong to a place.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { expected, named, percent, shades, words } from '../../code/backprop/book/figures/reader.js';

const DATA = {
  begin: '\n\n',
  text: 'a b',
  models: {
    model: {
      letters: ['ab', ' a', 'ba'],
      p: [[0.5, 0.25], [0.875, 0.1], [0.7, 0.0004]],
      came: [0.5, 0.875, 0.0004],
    },
  },
  error: ['09', '990', '0495'],
  attention: [['90', '099', '1239']],
};

test('a letter that is not seen is named', () => {
  assert.deepEqual(['a', ' ', '\n'].map(named), ['a', 'space', 'new line']);
});

test('small probabilities keep a digit', () => {
  const shown = [1, 0.5, 0.0095, 0.0094, 0.001, 0.0009, 0].map(percent);
  assert.deepEqual(shown, ['100 %', '50 %', '1 %', '0.9 %', '0.1 %', '≤ 0.1 %', '≤ 0.1 %']);
});

test('shades are those of the letters before, without what stands before the sentence', () => {
  assert.deepEqual(shades(DATA, 0, 'error'), []);
  assert.deepEqual(shades(DATA, 1, 'error'), [0]);
  assert.deepEqual(shades(DATA, 2, 'error'), [1, 5 / 9]);
  assert.deepEqual(shades(DATA, 2, '0'), [3 / 9, 1]);
});

test('the letter that comes is marked among those that are expected', () => {
  const [{ name, rows, came }] = expected(DATA, 1);
  assert.equal(name, 'model');
  assert.deepEqual(rows, [
    { letter: 'space', p: 0.875, came: true },
    { letter: 'a', p: 0.1, came: false },
  ]);
  assert.equal(came, 0.875);
});

test('the words say what came and what it cost', () => {
  assert.equal(words(DATA, 0), 'At the beginning comes “a”. Its probability: model 50 %, 1.0 bits.');
  assert.equal(words(DATA, 2), 'After “a ” comes “b”. Its probability: model ≤ 0.1 %, 11.3 bits.');
});
